// Grey images: read from a picture file, or made up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "support/extent.hpp"

namespace plenum::jobs {

struct Image {
    Extent extent;
    std::vector<float> pixels;  ///< row-major luminance, 0 (black) to 1 (white)
};

/// plenum::load_image with the extents as the jobs use them.
[[nodiscard]] Image load_image(std::filesystem::path const& path);

/// A made-up map of `extent`: coast lines, hills and grain, at several scales. A pure function of its
/// arguments, with the same bits on every processor; about 5 ns a pixel.
[[nodiscard]] Image synthetic_image(Extent extent, std::uint64_t seed);

}  // namespace plenum::jobs
