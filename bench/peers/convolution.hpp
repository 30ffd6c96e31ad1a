// The convolution of the peers, as Plenum's job and the serial program do it.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "arrays.hpp"
#include "support/convolution.hpp"
#include "work.hpp"

namespace bench {

inline constexpr std::size_t filter_side = 4;

[[nodiscard]] inline plenum::jobs::StridedLayout peer_layout(std::size_t side) {
    return plenum::jobs::StridedLayout(
        {.image = {side, side}, .filter = {filter_side, filter_side}, .stride = 5});
}

/// Reads the image and arranges it.
inline void load_image(std::filesystem::path const& folder, plenum::jobs::StridedLayout const& layout,
                       std::span<float> strided) {
    auto const image = read_array<float>(folder / "image.f32", layout.shape().image.size());
    plenum::jobs::arrange(image, layout, strided);
}

[[nodiscard]] inline std::vector<float> load_filters(std::filesystem::path const& folder, std::size_t count) {
    return read_array<float>(folder / "filters.f32", count * filter_side * filter_side);
}

/// The sum of squares, in partial sums that can be taken at once.
[[nodiscard]] inline double power(std::span<float const> values) {
    std::array<double, 16> sums{};
    std::size_t i = 0;
    for (; i + sums.size() <= values.size(); i += sums.size()) {
        for (std::size_t k = 0; k < sums.size(); ++k) {
            auto const value = static_cast<double>(values[i + k]);
            sums[k] += value * value;
        }
    }
    for (; i < values.size(); ++i) sums[0] += static_cast<double>(values[i]) * static_cast<double>(values[i]);
    double total = 0;
    for (auto const sum : sums) total += sum;
    return total;
}

/// The power of one convolution, whose pixels lie in memory that is kept between calls.
[[nodiscard]] inline double convolve_power(std::span<float const> strided,
                                           plenum::jobs::StridedLayout const& layout,
                                           std::span<float const> filters, std::uint64_t filter) {
    static thread_local std::vector<float> out;
    out.resize(layout.shape().kept().size());
    convolve(strided, layout, filters, filter, out);
    return power(out);
}

}  // namespace bench
