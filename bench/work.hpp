// The work that both sides of a figure do, Plenum's tasks and the plain programs, and how they report.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <vector>

#include "support/blobs.hpp"
#include "support/convolution.hpp"
#include "support/image.hpp"
#include "support/random_bank.hpp"
#include "support/segmentation.hpp"

namespace bench {

/// CLOCK_MONOTONIC, which bench/run reads too.
inline std::uint64_t now_ns() {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                          std::chrono::steady_clock::now().time_since_epoch())
                                          .count());
}

inline double seconds_since(std::uint64_t start_ns) {
    return static_cast<double>(now_ns() - start_ns) * 1e-9;
}

/// One line of JSON on standard output. The checksum is text, as JSON numbers lose bits above 2^53.
inline void report(double seconds, std::uint64_t checksum, std::uint64_t start_ns = 0) {
    std::printf("{\"seconds\": %.9f, \"checksum\": \"%016llx\", \"start_ns\": %llu}\n", seconds,
                static_cast<unsigned long long>(checksum), static_cast<unsigned long long>(start_ns));
    std::fflush(stdout);
}

inline std::uint64_t square(std::uint64_t i) {
    return i * i;
}

/// A plain reduction; the compiler vectorises it.
inline std::uint64_t sum(std::span<std::uint64_t const> values) {
    std::uint64_t total = 0;
    for (auto const value : values) total += value;
    return total;
}

/// Depends on the place of every word, so that results in the wrong order show.
inline std::uint64_t checksum(std::span<std::uint64_t const> words, std::uint64_t first = 0) {
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < words.size(); ++i) total += words[i] * (2 * (first + i) + 1);
    return total;
}

/// Sum of the bit patterns: cheap (it reads what the kernel has just left in the cache) and exact.
inline std::uint64_t checksum(std::span<float const> values) {
    std::uint64_t total = 0;
    for (auto const value : values) {
        std::uint32_t bits;
        std::memcpy(&bits, &value, sizeof bits);
        total += bits;
    }
    return total;
}

/// Record `index` of the file figures: `words.size()` numbers that depend on it.
inline void fill_record(std::uint64_t index, std::span<std::uint64_t> words) {
    auto const first = index * words.size();
    for (std::size_t i = 0; i < words.size(); ++i) words[i] = square(first + i);
}

/// Words of ragged record `index`: 0 to 255.
inline std::uint64_t ragged_words(std::uint64_t index) {
    return (index * 0x9E3779B97F4A7C15) >> 56;
}

/// The convolution of the figures: one synthetic image, `filters` random filters of 4x4, every 5th pixel.
struct Convolution {
    plenum::jobs::StridedLayout layout;
    std::uint64_t filters;

    Convolution(std::uint64_t side, std::uint64_t filter_count)
        : layout({.image = {side, side}, .filter = {4, 4}, .stride = 5}), filters(filter_count) {}

    [[nodiscard]] std::size_t kept() const { return layout.shape().kept().size(); }
    void fill_image(std::span<float> strided) const {
        auto const image = plenum::jobs::synthetic_image(layout.shape().image, 1);
        plenum::jobs::arrange(image.pixels, layout, strided);
    }
    [[nodiscard]] std::vector<float> bank() const {
        return plenum::jobs::random_bank(filters, layout.shape().filter, 1);
    }
};

/// The masks of the figures: of a few images of blobs, which come again and again.
struct Masks {
    static constexpr std::uint64_t images = 64;
    plenum::jobs::Extent extent;
    plenum::jobs::GaussianTaps taps = plenum::jobs::gaussian_taps(2);

    explicit Masks(std::uint64_t side) : extent{side, side} {}

    [[nodiscard]] std::uint64_t stack_bytes() const { return images * extent.size(); }
    void fill(std::span<std::uint8_t> stack) const {
        for (std::uint64_t i = 0; i < images; ++i)
            plenum::jobs::draw_blobs(i, 1, extent, stack.subspan(i * extent.size(), extent.size()));
    }
    void make(std::uint64_t i, std::span<std::uint8_t const> stack, std::span<std::uint8_t> mask) const {
        (void)plenum::jobs::segment(stack.subspan(i % images * extent.size(), extent.size()), extent, taps,
                                    mask);
    }
};

/// One convolution; `taps` is the whole bank.
inline void convolve(std::span<float const> strided, plenum::jobs::StridedLayout const& layout,
                     std::span<float const> taps, std::uint64_t filter, std::span<float> out) {
    auto const size = layout.shape().filter.size();
    plenum::jobs::convolve_kept(strided, layout, taps.subspan(filter * size, size), out);
}

/// The same, reduced to the checksum of its result, which lies in memory that is kept between calls.
inline std::uint64_t convolve_checksum(std::span<float const> strided,
                                       plenum::jobs::StridedLayout const& layout, std::span<float const> taps,
                                       std::uint64_t filter) {
    static thread_local std::vector<float> out;
    out.resize(layout.shape().kept().size());
    convolve(strided, layout, taps, filter, out);
    return checksum(std::span<float const>(out));
}

}  // namespace bench
