// Masks of grey images: Gaussian smoothing and a threshold after Otsu, in integers and so with the same bits
// everywhere.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "support/extent.hpp"

namespace plenum::jobs {

/// One half of a symmetric filter, centre first, in units of 1/256; centre + 2 * all others = 256.
struct GaussianTaps {
    static constexpr std::size_t radius_limit = 31;

    std::array<std::uint16_t, radius_limit + 1> weights{256};
    std::size_t radius = 0;
};

/// The largest sigma whose taps fit.
inline constexpr double sigma_limit = 10;

/// The Gaussian of `sigma` pixels (0, no smoothing, to sigma_limit) up to three sigma, rounded to taps; taps
/// that round to zero are left out.
[[nodiscard]] GaussianTaps gaussian_taps(double sigma);

/// Smooths columns, rounds to 8 bits, then smooths rows and rounds: pixel = (sum of weight * neighbour + 128)
/// / 256 in each step. Neighbours beyond the border are those on the border. `smoothed` must not overlap
/// `image`; both have extent.size() bytes, row-major.
void smooth(std::span<std::uint8_t const> image, Extent extent, GaussianTaps const& taps,
            std::span<std::uint8_t> smoothed);

using Histogram = std::array<std::uint64_t, 256>;
[[nodiscard]] Histogram histogram_of(std::span<std::uint8_t const> pixels);

/// The grey value t for which the classes {<= t} and {> t} differ most (N. Otsu, 1979): the least t with the
/// largest (s0 * n - s * n0)^2 / (n0 * (n - n0)), n pixels of sum s, n0 of sum s0 in the lower class. 255
/// when all pixels are equal: nothing is above it.
[[nodiscard]] std::uint8_t otsu_threshold(Histogram const& histogram);

/// In place: 1 where a pixel is above the threshold, 0 elsewhere.
void make_mask(std::span<std::uint8_t> pixels, std::uint8_t threshold);

/// What is known of an image beside its mask.
struct Segmentation {
    std::uint8_t threshold = 0;
    /// Pixels of each 8-connected component, in the order of their first pixels.
    std::vector<std::uint32_t> areas = {};
};

/// All of it for one image; the mask goes to `mask` (extent.size() bytes). 512 x 512 pixels, sigma 2, on one
/// core of an EPYC (Zen 5): about 0.2 ms, of which smoothing takes two fifths.
[[nodiscard]] Segmentation segment(std::span<std::uint8_t const> image, Extent extent,
                                   GaussianTaps const& taps, std::span<std::uint8_t> mask);

/// The mask alone, when the threshold is known.
void segment_at(std::uint8_t threshold, std::span<std::uint8_t const> image, Extent extent,
                GaussianTaps const& taps, std::span<std::uint8_t> mask);

/// One variant of the smoothing that this processor can run; `image` and `smoothed` as in smooth().
struct SmoothingKernel {
    char const* name;
    void (*run)(std::uint8_t const* image, Extent extent, GaussianTaps const& taps, std::uint8_t* smoothed);
};

/// All variants that this processor can run, the fastest last. All give the same bits.
[[nodiscard]] std::vector<SmoothingKernel> const& smoothing_kernels();

}  // namespace plenum::jobs
