// The plain convolution after its definition, and the comparison of results with it.
#include "support/reference.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace plenum::jobs {

std::vector<double> convolve_reference(std::span<float const> image, std::span<float const> filter,
                                       ConvolutionShape const& shape) {
    auto const kept = shape.kept();
    std::vector<double> out(kept.size());
    for (std::size_t p = 0; p < kept.rows; ++p) {
        for (std::size_t q = 0; q < kept.columns; ++q) {
            auto const i = p * shape.stride;
            auto const j = q * shape.stride;
            double sum = 0;
            for (std::size_t a = 0; a < shape.filter.rows && a <= i; ++a) {
                if (i - a >= shape.image.rows) continue;
                for (std::size_t b = 0; b < shape.filter.columns && b <= j; ++b) {
                    if (j - b >= shape.image.columns) continue;
                    sum += static_cast<double>(filter[a * shape.filter.columns + b]) *
                           static_cast<double>(image[(i - a) * shape.image.columns + (j - b)]);
                }
            }
            out[p * kept.columns + q] = sum;
        }
    }
    return out;
}

Agreement compare_with_reference(std::span<float const> result, std::span<float const> image,
                                 std::span<float const> filter, ConvolutionShape const& shape) {
    constexpr double unit_roundoff = 0x1p-24;
    Agreement agreement{.tolerance = static_cast<double>(filter.size() + 2) * unit_roundoff};
    auto const expected = convolve_reference(image, filter, shape);
    if (result.size() != expected.size()) {
        agreement.largest_error = std::numeric_limits<double>::infinity();
        return agreement;
    }
    double sum = 0;
    for (auto const tap : filter) sum += std::abs(static_cast<double>(tap));
    double brightest = 0;
    for (auto const pixel : image) brightest = std::max(brightest, std::abs(static_cast<double>(pixel)));
    auto const scale = sum * brightest > 0 ? sum * brightest : 1.0;
    for (std::size_t k = 0; k < result.size(); ++k) {
        auto const error = std::abs(static_cast<double>(result[k]) - expected[k]) / scale;
        agreement.largest_error = std::isnan(error) ? std::numeric_limits<double>::infinity()
                                                    : std::max(agreement.largest_error, error);
    }
    return agreement;
}

std::vector<std::uint64_t> spread_indices(std::uint64_t count, std::uint64_t wanted) {
    auto const number = std::min(count, wanted);
    std::vector<std::uint64_t> indices(number);
    for (std::uint64_t k = 1; k < number; ++k) {
        // Quotient and remainder apart, so that no product overflows.
        auto const steps = number - 1;
        indices[k] = (count - 1) / steps * k + (count - 1) % steps * k / steps;
    }
    return indices;
}

}  // namespace plenum::jobs
