// The plain convolution after its definition, and the comparison of results with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "support/convolution.hpp"

namespace plenum::jobs {

/// The kept pixels of the full convolution, row-major, summed in double precision straight from the
/// definition. Shares no code with convolve_kept. `image` and `filter` are row-major and fit `shape`.
[[nodiscard]] std::vector<double> convolve_reference(std::span<float const> image,
                                                     std::span<float const> filter,
                                                     ConvolutionShape const& shape);

/// How far a result is from the reference, relative to sum |filter| * max |image|, the largest value
/// possible.
struct Agreement {
    double largest_error = 0;  ///< infinite when a pixel is not a number
    double tolerance = 0;      ///< (taps + 2) * 2^-24: the bound on rounding in a sum of that many floats

    [[nodiscard]] bool holds() const noexcept { return largest_error <= tolerance; }
};

/// Compares `result` (shape.kept() floats, row-major) with the reference. Costs one reference convolution.
/// A result of another size does not agree.
[[nodiscard]] Agreement compare_with_reference(std::span<float const> result, std::span<float const> image,
                                               std::span<float const> filter, ConvolutionShape const& shape);

/// Up to `wanted` different indices below `count`, in ascending order, evenly spread, first and last
/// included.
[[nodiscard]] std::vector<std::uint64_t> spread_indices(std::uint64_t count, std::uint64_t wanted);

}  // namespace plenum::jobs
