// The plain segmentation after its definition, for comparison.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "support/extent.hpp"
#include "support/segmentation.hpp"

namespace plenum::jobs {

struct ReferenceSegmentation {
    std::vector<std::uint8_t> mask;
    std::uint8_t threshold = 0;
    std::vector<std::uint32_t> areas;
};

/// What segment() has to give, pixel by pixel from the definitions, with a flood fill for the components.
/// Shares no code with it but the taps.
[[nodiscard]] ReferenceSegmentation segment_reference(std::span<std::uint8_t const> image, Extent extent,
                                                      GaussianTaps const& taps);

}  // namespace plenum::jobs
