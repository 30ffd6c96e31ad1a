// Made-up grey images of bright blobs on a dark ground.
#pragma once

#include <cstdint>
#include <span>

#include "support/extent.hpp"

namespace plenum::jobs {

/// Draws image `number` of a stack: soft round blobs, one for about 6000 pixels, and grain. A pure function
/// of its arguments with the same bits everywhere; about 3 ns a pixel. `pixels` has extent.size() bytes,
/// row-major.
void draw_blobs(std::uint64_t number, std::uint64_t seed, Extent extent, std::span<std::uint8_t> pixels);

}  // namespace plenum::jobs
