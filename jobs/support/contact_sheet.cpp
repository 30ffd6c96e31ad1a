// Many results on one picture, as thumbnails in a grid.
#include "support/contact_sheet.hpp"

#include <algorithm>
#include <cmath>
#include <plenum/error.hpp>

#include "support/png.hpp"

namespace plenum::jobs {
namespace {

constexpr std::size_t thumbnail_limit = 240;
constexpr std::size_t grid_columns = 4;
constexpr std::size_t border = 4;
constexpr std::uint8_t paper = 255;

Extent thumbnail_extent(Extent extent) {
    auto const longest = std::max(extent.rows, extent.columns);
    if (longest <= thumbnail_limit) return extent;
    auto const scaled = [&](std::size_t side) {
        return std::max<std::size_t>(1, (side * thumbnail_limit + longest / 2) / longest);
    };
    return {scaled(extent.rows), scaled(extent.columns)};
}

/// Each source pixel counts with the part of its area that lies in the thumbnail's pixel.
struct Coverage {
    std::size_t first;
    std::vector<double> weights;  // of source pixels first, first + 1, …; they add up to 1
};

std::vector<Coverage> coverages(std::size_t source, std::size_t target) {
    std::vector<Coverage> result(target);
    auto const ratio = static_cast<double>(source) / static_cast<double>(target);
    for (std::size_t k = 0; k < target; ++k) {
        // In units of 1 / target of a source pixel everything is whole numbers.
        auto const begin = k * source;
        auto const end = begin + source;
        result[k].first = begin / target;
        for (auto pixel = begin / target; pixel * target < end; ++pixel) {
            auto const overlap = std::min(end, (pixel + 1) * target) - std::max(begin, pixel * target);
            result[k].weights.push_back(static_cast<double>(overlap) / static_cast<double>(target) / ratio);
        }
    }
    return result;
}

std::vector<float> averaged(std::span<float const> pixels, Extent extent, Extent target) {
    std::vector<float> thumbnail(target.size());
    auto const row_coverages = coverages(extent.rows, target.rows);
    auto const column_coverages = coverages(extent.columns, target.columns);
    for (std::size_t y = 0; y < target.rows; ++y) {
        for (std::size_t x = 0; x < target.columns; ++x) {
            double sum = 0;
            auto const& rows = row_coverages[y];
            auto const& columns = column_coverages[x];
            for (std::size_t i = 0; i < rows.weights.size(); ++i) {
                for (std::size_t j = 0; j < columns.weights.size(); ++j) {
                    auto const pixel = pixels[(rows.first + i) * extent.columns + columns.first + j];
                    if (std::isfinite(pixel)) {
                        sum += rows.weights[i] * columns.weights[j] * static_cast<double>(pixel);
                    }
                }
            }
            thumbnail[y * target.columns + x] = static_cast<float>(sum);
        }
    }
    return thumbnail;
}

float percentile(std::vector<float> values, std::size_t percent) {
    auto const position = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) * percent / 100);
    std::nth_element(values.begin(), position, values.end());
    return *position;
}

}  // namespace

ContactSheet contact_sheet(std::span<float const> results, std::size_t count, Extent extent) {
    if (count == 0 || extent.size() == 0 || results.size() != count * extent.size()) {
        throw UsageError(
            fmt::format("{} values are no {} results of {} pixels; pass at least one whole result",
                        results.size(), count, to_string(extent)));
    }
    auto const shown = std::min(count, contact_sheet_capacity);
    auto const across = std::min(shown, grid_columns);
    auto const down = (shown + across - 1) / across;
    auto const thumbnail = thumbnail_extent(extent);
    Extent const cell{thumbnail.rows + border, thumbnail.columns + border};
    ContactSheet sheet{{down * cell.rows + border, across * cell.columns + border}, {}};
    sheet.grey.assign(sheet.extent.size(), paper);
    for (std::size_t k = 0; k < shown; ++k) {
        auto const values = averaged(results.subspan(k * extent.size(), extent.size()), extent, thumbnail);
        auto const low = percentile(values, 2);
        auto const range = percentile(values, 98) - low;
        Extent const corner{k / across * cell.rows + border, k % across * cell.columns + border};
        for (std::size_t y = 0; y < thumbnail.rows; ++y) {
            for (std::size_t x = 0; x < thumbnail.columns; ++x) {
                auto const value = values[y * thumbnail.columns + x];
                auto const brightness = range > 0 ? std::clamp((value - low) / range, 0.0F, 1.0F) : 0.5F;
                sheet.grey[(corner.rows + y) * sheet.extent.columns + corner.columns + x] =
                    static_cast<std::uint8_t>(std::lround(255.0F * brightness));
            }
        }
    }
    return sheet;
}

void write_contact_sheet(std::filesystem::path const& path, std::span<float const> results, std::size_t count,
                         Extent extent) {
    auto const sheet = contact_sheet(results, count, extent);
    write_png(path, sheet.extent, sheet.grey);
}

}  // namespace plenum::jobs
