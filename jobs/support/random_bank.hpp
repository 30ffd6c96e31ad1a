// Random filters that answer to edges: zero mean, unit weight.
#pragma once

#include <cstdint>
#include <vector>

#include "support/extent.hpp"

namespace plenum::jobs {

/// `filters` random filters, shape [filter, row, column]. The taps of each are uniform, shifted to mean 0 and
/// scaled so that their absolute values add up to 1; a filter of one tap is the identity, {1}.
/// Filter k depends on seed, k and its own size only, not on how many there are (Philox 4x32-10 in counter
/// mode).
[[nodiscard]] std::vector<float> random_bank(std::uint64_t filters, Extent size, std::uint64_t seed);

}  // namespace plenum::jobs
