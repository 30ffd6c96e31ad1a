// Connected components of a mask.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "support/extent.hpp"

namespace plenum::jobs {

/// Pixels of each 8-connected component of a mask (bytes 0 and 1, row-major), in the order of the components'
/// first pixels. One pass over runs of ones with union-find (path halving): the time is that of reading the
/// mask and a little for each run. Throws UsageError when the mask has another size, or 2^32 pixels or more.
[[nodiscard]] std::vector<std::uint32_t> component_areas(std::span<std::uint8_t const> mask, Extent extent);

}  // namespace plenum::jobs
