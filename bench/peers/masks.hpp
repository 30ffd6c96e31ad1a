// The segmentation of the peers, as Plenum's job and the bare kernels do it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "arrays.hpp"
#include "support/segmentation.hpp"

namespace bench {

/// Segments square images with the sigma of the workload.
struct Segmenter {
    plenum::jobs::Extent extent;
    plenum::jobs::GaussianTaps taps = plenum::jobs::gaussian_taps(2);

    explicit Segmenter(std::size_t side) : extent{side, side} {}

    /// Writes the mask; gives the areas of its components.
    std::vector<std::uint32_t> operator()(std::span<std::uint8_t const> image,
                                          std::span<std::uint8_t> mask) const {
        return plenum::jobs::segment(image, extent, taps, mask).areas;
    }
};

}  // namespace bench
