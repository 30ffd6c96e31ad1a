// Grey images: read from a picture file, or made up.
#include "support/image.hpp"

#include <stb/stb_image.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <memory>
#include <plenum/error.hpp>
#include <span>
#include <string_view>

#include "support/philox.hpp"
#include "support/picture_check.hpp"

namespace plenum::jobs {
namespace {

constexpr std::string_view what_to_pass = "pass a PNG, JPEG or BMP file";

[[noreturn]] void refuse(std::filesystem::path const& path, std::string_view why, std::string_view way_out) {
    throw EnvironmentError(fmt::format("cannot read image '{}' ({}); {}", path.string(), why, way_out));
}

std::vector<std::uint8_t> read_file(std::filesystem::path const& path) {
    std::error_code error;
    auto const status = std::filesystem::status(path, error);
    if (status.type() == std::filesystem::file_type::not_found) {
        refuse(path, "no such file", "check the path");
    }
    if (error) refuse(path, error.message(), "check the path and its permissions");
    if (std::filesystem::is_directory(status)) refuse(path, "it is a directory", what_to_pass);
    if (!std::filesystem::is_regular_file(status)) refuse(path, "it is no regular file", what_to_pass);
    errno = 0;
    std::ifstream stream(path, std::ios::binary);
    if (!stream) refuse(path, std::strerror(errno), "check its permissions");
    auto const size = std::filesystem::file_size(path, error);
    if (error) refuse(path, error.message(), "check the path and its permissions");
    if (size == 0) refuse(path, "the file is empty", what_to_pass);
    if (size > static_cast<std::uintmax_t>(std::numeric_limits<int>::max())) {
        refuse(path, "the file is larger than 2 GiB",
               "convert it to an HDF5 dataset and pass FILE.h5:DATASET");
    }
    std::vector<std::uint8_t> bytes(size);
    if (!stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size))) {
        refuse(path, "reading it failed", "check the disk, or copy the file again");
    }
    return bytes;
}

struct FreePicture {
    void operator()(void* pixels) const noexcept { stbi_image_free(pixels); }
};

/// Channels per pixel are 1 (grey), 2 (grey, alpha), 3 (colours) or 4 (colours, alpha).
template <class Sample>
std::vector<float> to_luminance(Sample const* samples, std::size_t pixels, std::size_t channels) {
    constexpr auto full = static_cast<float>(std::numeric_limits<Sample>::max());
    std::vector<float> luminance(pixels);
    for (std::size_t k = 0; k < pixels; ++k) {
        auto const* const pixel = samples + k * channels;
        auto const grey = channels < 3 ? static_cast<float>(pixel[0])
                                       : 0.299F * static_cast<float>(pixel[0]) +
                                             0.587F * static_cast<float>(pixel[1]) +
                                             0.114F * static_cast<float>(pixel[2]);
        luminance[k] = std::min(grey / full, 1.0F);
    }
    return luminance;
}

/// Value noise: random heights on a square lattice, linear in between, so without any call of libm, whose
/// last bits depend on the processor.
class NoiseRow {
public:
    NoiseRow(std::uint64_t seed, std::uint32_t octave, std::size_t cell, std::size_t columns)
        : seed_(seed), octave_(octave), cell_(cell), heights_(columns / cell + 2) {}

    /// Prepares the lattice for image row `row`.
    void move_to(std::size_t row) {
        auto const below = static_cast<float>(row % cell_) / static_cast<float>(cell_);
        for (std::size_t k = 0; k < heights_.size(); ++k) {
            auto const upper = height(row / cell_, k);
            heights_[k] = upper + below * (height(row / cell_ + 1, k) - upper);
        }
    }

    /// Adds `amplitude` times the noise to each pixel of the row.
    void add_to(std::span<float> pixels, float amplitude) const {
        auto const step = 1.0F / static_cast<float>(cell_);
        for (std::size_t first = 0, k = 0; first < pixels.size(); first += cell_, ++k) {
            auto const count = std::min(cell_, pixels.size() - first);
            auto const slope = (heights_[k + 1] - heights_[k]) * step;
            for (std::size_t x = 0; x < count; ++x) {
                pixels[first + x] += amplitude * (heights_[k] + slope * static_cast<float>(x));
            }
        }
    }

private:
    [[nodiscard]] float height(std::size_t row, std::size_t column) const {
        return uniform4(seed_, RandomStream::synthetic_image, std::uint64_t{octave_} << 32 | row,
                        static_cast<std::uint32_t>(column))[0];
    }

    std::uint64_t seed_;
    std::uint32_t octave_;
    std::size_t cell_;
    std::vector<float> heights_;
};

}  // namespace

Image load_image(std::filesystem::path const& path) {
    auto const file = read_file(path);
    switch (check_picture(file)) {
        case PictureState::unknown_format:
            refuse(path, "it is no image of a known format", what_to_pass);
        case PictureState::truncated:
            refuse(path, "the file is truncated", "copy or download it again");
        case PictureState::damaged:
            refuse(path, "the file is damaged", "copy or download it again");
        case PictureState::whole:
            break;
    }
    auto const bytes = static_cast<int>(file.size());
    int columns = 0;
    int rows = 0;
    int channels = 0;
    bool const is_16_bit = stbi_is_16_bit_from_memory(file.data(), bytes) != 0;
    std::unique_ptr<void, FreePicture> const decoded(
        is_16_bit
            ? static_cast<void*>(stbi_load_16_from_memory(file.data(), bytes, &columns, &rows, &channels, 0))
            : static_cast<void*>(stbi_load_from_memory(file.data(), bytes, &columns, &rows, &channels, 0)));
    if (!decoded) {
        refuse(path, fmt::format("decoding failed: {}", stbi_failure_reason()),
               "check that it opens in a viewer");
    }
    Extent const extent{static_cast<std::size_t>(rows), static_cast<std::size_t>(columns)};
    auto const samples_per_pixel = static_cast<std::size_t>(channels);
    return {extent, is_16_bit ? to_luminance(static_cast<std::uint16_t const*>(decoded.get()), extent.size(),
                                             samples_per_pixel)
                              : to_luminance(static_cast<std::uint8_t const*>(decoded.get()), extent.size(),
                                             samples_per_pixel)};
}

Image synthetic_image(Extent extent, std::uint64_t seed) {
    struct Octave {
        NoiseRow noise;
        float amplitude;
    };
    auto const octave = [&](std::uint32_t number, std::size_t cell, float amplitude) {
        return Octave{NoiseRow(seed, number, cell, extent.columns), amplitude};
    };
    std::vector<Octave> octaves{octave(0, 256, 0.5F), octave(1, 96, 0.25F), octave(2, 32, 0.17F),
                                octave(3, 12, 0.08F)};
    Image image{extent, std::vector<float>(extent.size(), 0.0F)};
    for (std::size_t row = 0; row < extent.rows; ++row) {
        auto const pixels = std::span(image.pixels).subspan(row * extent.columns, extent.columns);
        for (auto& [noise, amplitude] : octaves) {
            noise.move_to(row);
            noise.add_to(pixels, amplitude);
        }
        // Land above sea level is lighter: the coast is a sharp edge.
        for (auto& pixel : pixels) pixel = pixel > 0.5F ? std::min(0.15F + pixel, 1.0F) : 0.5F * pixel;
    }
    return image;
}

}  // namespace plenum::jobs
