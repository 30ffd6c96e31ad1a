// The kernel over a strided image, compiled for several instruction sets; arranging such an image.
#include "support/convolution.hpp"

#include <algorithm>
#include <plenum/error.hpp>

namespace plenum::jobs {
namespace {

constexpr std::size_t floats_per_line = 16;  // of a cache line of 64 bytes

/// out[x] += the weighted sum of `count` segments. The plain loop is what compilers vectorise best.
template <std::size_t count>
[[gnu::always_inline]] inline void add_segments(float const* slab, std::size_t const* offsets,
                                                float const* weights, float* __restrict out,
                                                std::size_t columns) {
    float const* segments[count];
    float weight[count];
    for (std::size_t tap = 0; tap < count; ++tap) {
        segments[tap] = slab + offsets[tap];
        weight[tap] = weights[tap];
    }
    for (std::size_t x = 0; x < columns; ++x) {
        auto sum = out[x];
        for (std::size_t tap = 0; tap < count; ++tap) sum += weight[tap] * segments[tap][x];
        out[x] = sum;
    }
}

/// A few taps at a time over a whole output row, which stays in the L1 cache. With any number of them from 4
/// to 16 the time is that of reading the strided image from the L3 cache, so they need no further tuning.
[[gnu::always_inline]] inline void convolve_rows(float const* strided, StridedLayout const& layout,
                                                 float const* filter, float* out) {
    auto const kept = layout.shape().kept();
    auto const taps = layout.shape().filter;
    std::vector<std::size_t> offsets;
    offsets.reserve(taps.size());
    for (std::size_t a = 0; a < taps.rows; ++a) {
        for (std::size_t b = 0; b < taps.columns; ++b) offsets.push_back(layout.tap_offset(a, b));
    }
    for (std::size_t p = 0; p < kept.rows; ++p) {
        auto const* const slab = strided + p * layout.slab_size();
        auto* const row = out + p * kept.columns;
        std::fill_n(row, kept.columns, 0.0F);
        std::size_t tap = 0;
        for (; tap + 8 <= taps.size(); tap += 8) {
            add_segments<8>(slab, &offsets[tap], filter + tap, row, kept.columns);
        }
        for (; tap + 2 <= taps.size(); tap += 2) {
            add_segments<2>(slab, &offsets[tap], filter + tap, row, kept.columns);
        }
        if (tap < taps.size()) add_segments<1>(slab, &offsets[tap], filter + tap, row, kept.columns);
    }
}

void convolve_baseline(float const* strided, StridedLayout const& layout, float const* filter, float* out) {
    convolve_rows(strided, layout, filter, out);
}

#if defined(__x86_64__)
[[gnu::target("avx2")]] void convolve_avx2(float const* strided, StridedLayout const& layout,
                                           float const* filter, float* out) {
    convolve_rows(strided, layout, filter, out);
}

[[gnu::target("avx512f")]] void convolve_avx512f(float const* strided, StridedLayout const& layout,
                                                 float const* filter, float* out) {
    convolve_rows(strided, layout, filter, out);
}
#endif

void require_size(std::size_t actual, std::size_t expected, char const* what) {
    if (actual == expected) return;
    throw UsageError(
        fmt::format("the {} has {} floats (its layout has {}); pass the sizes the layout was made for", what,
                    actual, expected));
}

}  // namespace

StridedLayout::StridedLayout(ConvolutionShape const& shape) noexcept
    : shape_(shape),
      phases_{std::min(shape.filter.rows, shape.stride), std::min(shape.filter.columns, shape.stride)},
      reach_{(shape.filter.rows - 1) / shape.stride, (shape.filter.columns - 1) / shape.stride},
      segment_((shape.kept().columns + reach_.columns + floats_per_line - 1) / floats_per_line *
               floats_per_line) {}

std::size_t StridedLayout::tap_offset(std::size_t a, std::size_t b) const noexcept {
    auto const slab = reach_.rows - a / shape_.stride;
    auto const phase = a % shape_.stride * phases_.columns + b % shape_.stride;
    return slab * slab_size() + phase * segment_ + reach_.columns - b / shape_.stride;
}

void arrange(std::span<float const> image, StridedLayout const& layout, std::span<float> strided) {
    auto const [rows, columns] = layout.shape_.image;
    auto const stride = layout.shape_.stride;
    auto const reach = layout.reach_;
    require_size(image.size(), rows * columns, "image");
    require_size(strided.size(), layout.size(), "strided image");
    auto* segment = strided.data();
    for (std::size_t slab = 0; slab < layout.slabs(); ++slab) {
        for (std::size_t a = 0; a < layout.phases_.rows; ++a) {
            // Shifted by `reach` slabs so that the image row, stride * slab - a, cannot be negative.
            auto const shifted_row = stride * slab;
            auto const before = stride * reach.rows + a;
            bool const in_image = shifted_row >= before && shifted_row - before < rows;
            for (std::size_t b = 0; b < layout.phases_.columns; ++b, segment += layout.segment_) {
                std::fill_n(segment, layout.segment_, 0.0F);
                if (!in_image) continue;
                auto const* const row = image.data() + (shifted_row - before) * columns;
                auto const first = reach.columns + (b > 0 ? 1 : 0);
                auto const end = std::min(reach.columns + (columns - 1 + b) / stride + 1, layout.segment_);
                for (auto x = first; x < end; ++x) segment[x] = row[stride * (x - reach.columns) - b];
            }
        }
    }
}

std::vector<ConvolutionKernel> const& convolution_kernels() {
    static auto const kernels = [] {
        std::vector<ConvolutionKernel> found{{.name = "baseline", .run = convolve_baseline}};
#if defined(__x86_64__)
        if (__builtin_cpu_supports("avx2")) found.push_back({.name = "avx2", .run = convolve_avx2});
        if (__builtin_cpu_supports("avx512f")) found.push_back({.name = "avx512f", .run = convolve_avx512f});
#endif
        return found;
    }();
    return kernels;
}

void convolve_kept(std::span<float const> strided, StridedLayout const& layout, std::span<float const> filter,
                   std::span<float> out) {
    require_size(strided.size(), layout.size(), "strided image");
    require_size(filter.size(), layout.shape().filter.size(), "filter");
    require_size(out.size(), layout.shape().kept().size(), "output");
    convolution_kernels().back().run(strided.data(), layout, filter.data(), out.data());
}

}  // namespace plenum::jobs
