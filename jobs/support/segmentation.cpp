// Smoothing row by row in 16-bit integers, compiled for several instruction sets; the threshold; the mask.
#include "support/segmentation.hpp"

#include <algorithm>
#include <cmath>
#include <plenum/error.hpp>

#include "support/components.hpp"

namespace plenum::jobs {
namespace {

/// Two neighbours at the same distance and their weight.
struct Pair {
    std::uint8_t const* before;
    std::uint8_t const* after;
    std::uint16_t weight;
};

/// sums[x] += weight * (before[x] + after[x]) for a few pairs at a time: sums are loaded and stored once for
/// all. They stay below 2^16, as all weights add up to 256.
template <std::size_t count>
[[gnu::always_inline]] inline void add_pairs(Pair const* pairs, std::uint16_t* __restrict sums,
                                             std::size_t columns) {
    Pair local[count];
    for (std::size_t k = 0; k < count; ++k) local[k] = pairs[k];
    for (std::size_t x = 0; x < columns; ++x) {
        unsigned sum = sums[x];
        for (std::size_t k = 0; k < count; ++k) {
            unsigned const both = local[k].before[x] + local[k].after[x];
            sum += static_cast<std::uint16_t>(local[k].weight * both);
        }
        sums[x] = static_cast<std::uint16_t>(sum);
    }
}

[[gnu::always_inline]] inline void weigh(std::uint8_t const* centre, GaussianTaps const& taps,
                                         Pair const* pairs, std::uint16_t* __restrict sums,
                                         std::uint8_t* __restrict out, std::size_t columns) {
    auto const weight = taps.weights[0];
    for (std::size_t x = 0; x < columns; ++x) sums[x] = static_cast<std::uint16_t>(weight * centre[x] + 128);
    std::size_t k = 0;
    for (; k + 4 <= taps.radius; k += 4) add_pairs<4>(pairs + k, sums, columns);
    for (; k + 2 <= taps.radius; k += 2) add_pairs<2>(pairs + k, sums, columns);
    if (k < taps.radius) add_pairs<1>(pairs + k, sums, columns);
    for (std::size_t x = 0; x < columns; ++x) out[x] = static_cast<std::uint8_t>(sums[x] >> 8);
}

[[gnu::always_inline]] inline void smooth_rows(std::uint8_t const* image, Extent extent,
                                               GaussianTaps const& taps, std::uint8_t* smoothed) {
    auto const [rows, columns] = extent;
    auto const radius = taps.radius;
    std::vector<std::uint16_t> sums(columns);
    std::vector<std::uint8_t> padded(columns + 2 * radius);  // a row between copies of its ends
    auto* const line = padded.data() + radius;
    std::array<Pair, GaussianTaps::radius_limit> pairs{};
    for (std::size_t y = 0; y < rows; ++y) {
        for (std::size_t k = 1; k <= radius; ++k) {
            pairs[k - 1] = {image + (y - std::min(y, k)) * columns,
                            image + std::min(y + k, rows - 1) * columns, taps.weights[k]};
        }
        weigh(image + y * columns, taps, pairs.data(), sums.data(), line, columns);
        std::fill_n(padded.data(), radius, line[0]);
        std::fill_n(line + columns, radius, line[columns - 1]);
        for (std::size_t k = 1; k <= radius; ++k) pairs[k - 1] = {line - k, line + k, taps.weights[k]};
        weigh(line, taps, pairs.data(), sums.data(), smoothed + y * columns, columns);
    }
}

void smooth_baseline(std::uint8_t const* image, Extent extent, GaussianTaps const& taps,
                     std::uint8_t* smoothed) {
    smooth_rows(image, extent, taps, smoothed);
}

#if defined(__x86_64__)
[[gnu::target("avx2")]] void smooth_avx2(std::uint8_t const* image, Extent extent, GaussianTaps const& taps,
                                         std::uint8_t* smoothed) {
    smooth_rows(image, extent, taps, smoothed);
}

[[gnu::target("avx512bw")]] void smooth_avx512bw(std::uint8_t const* image, Extent extent,
                                                 GaussianTaps const& taps, std::uint8_t* smoothed) {
    smooth_rows(image, extent, taps, smoothed);
}
#endif

void require_pixels(std::size_t actual, Extent extent, char const* what) {
    if (actual == extent.size() && actual != 0) return;
    throw UsageError(
        fmt::format("the {} has {} pixels (its extent is {}); pass as many as the extent has, and at "
                    "least one",
                    what, actual, to_string(extent)));
}

}  // namespace

GaussianTaps gaussian_taps(double sigma) {
    if (!(sigma >= 0 && sigma <= sigma_limit)) {
        throw UsageError(fmt::format("--sigma {} is out of range (pixels); give 0 (no smoothing) to {}",
                                     sigma, sigma_limit));
    }
    GaussianTaps taps;
    if (sigma == 0) return taps;
    auto const reach = std::min(static_cast<std::size_t>(std::ceil(3 * sigma)), GaussianTaps::radius_limit);
    auto const height = [&](std::size_t k) {
        auto const distance = static_cast<double>(k) / sigma;
        return std::exp(-0.5 * distance * distance);
    };
    double total = 1;
    for (std::size_t k = 1; k <= reach; ++k) total += 2 * height(k);
    for (std::size_t k = 1; k <= reach; ++k) {
        auto const weight = static_cast<std::uint16_t>(std::lround(256 * height(k) / total));
        if (weight == 0) break;
        taps.weights[k] = weight;
        taps.weights[0] = static_cast<std::uint16_t>(taps.weights[0] - 2 * weight);
        taps.radius = k;
    }
    return taps;
}

void smooth(std::span<std::uint8_t const> image, Extent extent, GaussianTaps const& taps,
            std::span<std::uint8_t> smoothed) {
    require_pixels(image.size(), extent, "image");
    require_pixels(smoothed.size(), extent, "smoothed image");
    smoothing_kernels().back().run(image.data(), extent, taps, smoothed.data());
}

Histogram histogram_of(std::span<std::uint8_t const> pixels) {
    // Neighbours are often equal: with one table each count would wait for the one before.
    std::array<Histogram, 4> tables{};
    std::size_t k = 0;
    for (; k + 4 <= pixels.size(); k += 4) {
        for (std::size_t table = 0; table < 4; ++table) ++tables[table][pixels[k + table]];
    }
    for (; k < pixels.size(); ++k) ++tables[0][pixels[k]];
    Histogram sum{};
    for (auto const& table : tables) {
        for (std::size_t value = 0; value < sum.size(); ++value) sum[value] += table[value];
    }
    return sum;
}

std::uint8_t otsu_threshold(Histogram const& histogram) {
    double count = 0;
    double sum = 0;
    for (std::size_t value = 0; value < histogram.size(); ++value) {
        count += static_cast<double>(histogram[value]);
        sum += static_cast<double>(value * histogram[value]);
    }
    std::uint8_t threshold = 255;
    double largest = 0;
    double lower_count = 0;
    double lower_sum = 0;
    for (std::size_t value = 0; value < histogram.size(); ++value) {
        lower_count += static_cast<double>(histogram[value]);
        lower_sum += static_cast<double>(value * histogram[value]);
        if (lower_count == 0 || lower_count == count) continue;
        auto const distance = lower_sum * count - sum * lower_count;
        auto const difference = distance * distance / (lower_count * (count - lower_count));
        if (difference > largest) {
            largest = difference;
            threshold = static_cast<std::uint8_t>(value);
        }
    }
    return threshold;
}

void make_mask(std::span<std::uint8_t> pixels, std::uint8_t threshold) {
    for (auto& pixel : pixels) pixel = pixel > threshold ? 1 : 0;
}

Segmentation segment(std::span<std::uint8_t const> image, Extent extent, GaussianTaps const& taps,
                     std::span<std::uint8_t> mask) {
    smooth(image, extent, taps, mask);
    auto const threshold = otsu_threshold(histogram_of(mask));
    make_mask(mask, threshold);
    return {.threshold = threshold, .areas = component_areas(mask, extent)};
}

void segment_at(std::uint8_t threshold, std::span<std::uint8_t const> image, Extent extent,
                GaussianTaps const& taps, std::span<std::uint8_t> mask) {
    smooth(image, extent, taps, mask);
    make_mask(mask, threshold);
}

std::vector<SmoothingKernel> const& smoothing_kernels() {
    static auto const kernels = [] {
        std::vector<SmoothingKernel> found{{.name = "baseline", .run = smooth_baseline}};
#if defined(__x86_64__)
        if (__builtin_cpu_supports("avx2")) found.push_back({.name = "avx2", .run = smooth_avx2});
        if (__builtin_cpu_supports("avx512bw")) {
            found.push_back({.name = "avx512bw", .run = smooth_avx512bw});
        }
#endif
        return found;
    }();
    return kernels;
}

}  // namespace plenum::jobs
