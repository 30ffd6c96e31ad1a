// Full 2-D convolution of which every stride-th pixel is kept, from an image laid out for exactly that.
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>
#include <vector>

#include "support/extent.hpp"

namespace plenum::jobs {

/// The sizes of one convolution. The full convolution (scipy.signal.convolve2d, mode="full", zero padding)
///     full(i, j) = sum over a, b of filter(a, b) * image(i - a, j - b)
/// has (image + filter - 1) pixels in each direction; kept(p, q) = full(stride * p, stride * q).
struct ConvolutionShape {
    Extent image;            ///< at least 1x1
    Extent filter;           ///< at least 1x1
    std::size_t stride = 1;  ///< at least 1

    [[nodiscard]] constexpr Extent full() const noexcept {
        return {image.rows + filter.rows - 1, image.columns + filter.columns - 1};
    }
    [[nodiscard]] constexpr Extent kept() const noexcept {
        return {(full().rows + stride - 1) / stride, (full().columns + stride - 1) / stride};
    }
};

/// Where each pixel of a *strided image* lies: the copy of an image in which the pixels that one tap of the
/// filter meets, at all kept pixels of an output row, are neighbours in memory.
///
/// Tap (a, b) meets image row stride * p - a = stride * (p - a / stride) - a % stride, and columns alike. So
/// pixels are grouped by a % stride and b % stride: slab after slab (one for each output row), in a slab one
/// segment of consecutive floats for each row phase and column phase. Phases that no tap meets are left out
/// (with a 4x4 filter and stride 5: 9 of 25 pixels), zeros stand for what lies outside the image, and
/// segments start at multiples of 64 bytes. So the kernel is a weighted sum of contiguous arrays, without
/// borders and without gathering. 3000x3000 pixels, 4x4 taps, stride 5, one core of an EPYC (Zen 5): 0.35 to
/// 0.45 ms a filter (0.5 to 0.7 without AVX) against 1.8 ms of the same sums over the row-major image, for
/// about 16 ms once to arrange it. Filters much longer than the stride make it larger than the image: about
/// (1 + reach of the filter / image)^2 times.
///
/// Trivially copyable: tasks capture it by value beside the reference to the floats.
class StridedLayout {
public:
    explicit StridedLayout(ConvolutionShape const& shape) noexcept;

    [[nodiscard]] ConvolutionShape const& shape() const noexcept { return shape_; }
    /// Slabs, one for each output row and one more for every `stride` rows that the filter reaches back.
    [[nodiscard]] std::size_t slabs() const noexcept { return shape_.kept().rows + reach_.rows; }
    /// Floats in a slab.
    [[nodiscard]] std::size_t slab_size() const noexcept { return phases_.size() * segment_; }
    /// Floats of the whole strided image.
    [[nodiscard]] std::size_t size() const noexcept { return slabs() * slab_size(); }
    /// Position of the pixel that tap (a, b) meets at kept pixel (0, 0). The pixel that it meets at (p, q)
    /// lies p * slab_size() + q further on.
    [[nodiscard]] std::size_t tap_offset(std::size_t a, std::size_t b) const noexcept;

private:
    friend void arrange(std::span<float const> image, StridedLayout const& layout, std::span<float> strided);

    ConvolutionShape shape_;
    Extent phases_;        // row and column phases that some tap meets
    Extent reach_;         // slabs and columns that lie before those of kept pixel (0, 0)
    std::size_t segment_;  // floats in a segment, with padding
};
static_assert(std::is_trivially_copyable_v<StridedLayout>);

/// Fills `strided` (layout.size() floats) from the row-major `image`. One pass over both; every float of
/// `strided` is written. Throws UsageError when a size does not fit the layout.
void arrange(std::span<float const> image, StridedLayout const& layout, std::span<float> strided);

/// Convolves the strided image with the row-major `filter` and writes the kept pixels, row-major, to `out`.
/// The sum at each pixel is taken in the order of the taps, without fused multiply-add, so every processor
/// gives the same bits. Throws UsageError when a size does not fit the layout.
void convolve_kept(std::span<float const> strided, StridedLayout const& layout, std::span<float const> filter,
                   std::span<float> out);

/// One compiled variant of the kernel, for a set of processor instructions.
struct ConvolutionKernel {
    char const* name;  ///< "baseline", "avx2", "avx512f"
    void (*run)(float const* strided, StridedLayout const& layout, float const* filter, float* out);
};
/// The variants that this processor can run, the one that convolve_kept takes last.
[[nodiscard]] std::vector<ConvolutionKernel> const& convolution_kernels();

}  // namespace plenum::jobs
