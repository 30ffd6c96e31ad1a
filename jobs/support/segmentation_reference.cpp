// The plain segmentation after its definition, for comparison.
#include "support/segmentation_reference.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>

namespace plenum::jobs {
namespace {

using Pixels = std::vector<std::uint8_t>;

/// Smooths in one direction: along columns when `down` is 1, along rows when `right` is 1.
Pixels smooth_along(std::span<std::uint8_t const> image, Extent extent, GaussianTaps const& taps, long down,
                    long right) {
    auto const rows = static_cast<long>(extent.rows);
    auto const columns = static_cast<long>(extent.columns);
    auto const reach = static_cast<long>(taps.radius);
    Pixels smoothed;
    for (long y = 0; y < rows; ++y) {
        for (long x = 0; x < columns; ++x) {
            long sum = 0;
            for (long k = -reach; k <= reach; ++k) {
                auto const row = std::clamp(y + k * down, 0L, rows - 1);
                auto const column = std::clamp(x + k * right, 0L, columns - 1);
                sum += long{taps.weights[static_cast<std::size_t>(std::abs(k))]} *
                       long{image[static_cast<std::size_t>(row * columns + column)]};
            }
            smoothed.push_back(static_cast<std::uint8_t>((sum + 128) / 256));
        }
    }
    return smoothed;
}

/// The variance between the classes for every threshold, from the pixels' counts and means.
std::uint8_t threshold_of(Pixels const& pixels) {
    std::array<std::size_t, 256> counts{};
    for (auto const pixel : pixels) ++counts[pixel];
    std::uint8_t best = 255;
    long double largest = 0;
    for (int threshold = 0; threshold < 255; ++threshold) {
        long double lower = 0, upper = 0, lower_sum = 0, upper_sum = 0;
        for (int value = 0; value < 256; ++value) {
            auto const count = static_cast<long double>(counts[static_cast<std::size_t>(value)]);
            (value <= threshold ? lower : upper) += count;
            (value <= threshold ? lower_sum : upper_sum) += count * value;
        }
        if (lower == 0 || upper == 0) continue;
        auto const distance = upper_sum / upper - lower_sum / lower;
        auto const variance = lower * upper * distance * distance;
        // Thresholds in a gap of the histogram split alike; the first of them counts, whatever the last bits
        // say.
        if (variance > largest * (1 + 1e-15L)) {
            largest = variance;
            best = static_cast<std::uint8_t>(threshold);
        }
    }
    return best;
}

std::uint32_t flood(Pixels& left, Extent extent, std::size_t start) {
    std::vector<std::size_t> open{start};
    left[start] = 0;
    std::uint32_t area = 0;
    while (!open.empty()) {
        auto const pixel = open.back();
        open.pop_back();
        ++area;
        auto const y = pixel / extent.columns;
        auto const x = pixel % extent.columns;
        for (auto row = y == 0 ? 0 : y - 1; row < std::min(y + 2, extent.rows); ++row) {
            for (auto column = x == 0 ? 0 : x - 1; column < std::min(x + 2, extent.columns); ++column) {
                auto const neighbour = row * extent.columns + column;
                if (left[neighbour] == 0) continue;
                left[neighbour] = 0;
                open.push_back(neighbour);
            }
        }
    }
    return area;
}

}  // namespace

ReferenceSegmentation segment_reference(std::span<std::uint8_t const> image, Extent extent,
                                        GaussianTaps const& taps) {
    auto const pixels = smooth_along(smooth_along(image, extent, taps, 1, 0), extent, taps, 0, 1);
    ReferenceSegmentation result{.mask = {}, .threshold = threshold_of(pixels), .areas = {}};
    for (auto const pixel : pixels) result.mask.push_back(pixel > result.threshold ? 1 : 0);
    auto left = result.mask;
    for (std::size_t start = 0; start < left.size(); ++start) {
        if (left[start] != 0) result.areas.push_back(flood(left, extent, start));
    }
    return result;
}

}  // namespace plenum::jobs
