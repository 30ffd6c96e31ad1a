// The pictures of a folder, as grey images of one size.
#include "support/picture_folder.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <plenum/error.hpp>

namespace plenum::jobs {
namespace {

bool is_picture_name(std::filesystem::path const& path) {
    constexpr std::array<std::string_view, 4> endings = {".png", ".jpg", ".jpeg", ".bmp"};
    auto ending = path.extension().string();
    std::ranges::transform(ending, ending.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return std::ranges::find(endings, ending) != endings.end();
}

[[noreturn]] void refuse(std::filesystem::path const& folder, std::string_view why) {
    throw EnvironmentError(
        fmt::format("cannot read pictures from --images '{}' ({}); pass a folder of PNG, JPEG "
                    "or BMP files",
                    folder.string(), why));
}

/// What target pixel `k` of `count` covers in a source of `length` pixels that begins at `start`.
struct Cover {
    std::size_t first;
    std::size_t last;
};

Cover cover(std::size_t k, std::size_t count, std::size_t start, std::size_t length) {
    auto const first = k * length / count;
    return {start + first, start + std::max(first + 1, (k + 1) * length / count)};
}

}  // namespace

std::vector<std::string> pictures_in(std::filesystem::path const& folder) {
    std::error_code error;
    if (!std::filesystem::exists(folder, error)) refuse(folder, error ? error.message() : "no such folder");
    if (!std::filesystem::is_directory(folder, error)) refuse(folder, "it is no folder");
    std::vector<std::string> found;
    std::filesystem::directory_iterator entry(folder, error);
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
        if (is_picture_name(entry->path())) found.push_back(entry->path().string());
    }
    if (error) refuse(folder, error.message());
    if (found.empty()) refuse(folder, "it holds none");
    std::ranges::sort(found);
    return found;
}

void fit_image(Image const& image, Extent extent, std::span<std::uint8_t> grey) {
    auto const [rows, columns] = image.extent;
    // The part has all columns or all rows, whichever is the smaller part.
    auto const part_rows = std::clamp(columns * extent.rows / extent.columns, std::size_t{1}, rows);
    auto const part_columns = std::clamp(rows * extent.columns / extent.rows, std::size_t{1}, columns);
    auto const top = (rows - part_rows) / 2;
    auto const left = (columns - part_columns) / 2;
    for (std::size_t y = 0; y < extent.rows; ++y) {
        auto const down = cover(y, extent.rows, top, part_rows);
        for (std::size_t x = 0; x < extent.columns; ++x) {
            auto const right = cover(x, extent.columns, left, part_columns);
            double sum = 0;
            for (auto row = down.first; row < down.last; ++row) {
                for (auto column = right.first; column < right.last; ++column) {
                    sum += static_cast<double>(image.pixels[row * columns + column]);
                }
            }
            auto const pixels = static_cast<double>((down.last - down.first) * (right.last - right.first));
            grey[y * extent.columns + x] = static_cast<std::uint8_t>(std::lround(255 * sum / pixels));
        }
    }
}

}  // namespace plenum::jobs
