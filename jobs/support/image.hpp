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

/// Reads a PNG, JPEG or BMP file, 8 or 16 bits a channel. Colours become luminance (Rec. 601 weights of the
/// encoded values); transparency is ignored. Throws EnvironmentError that names the file when it is missing,
/// no regular file, empty, cut off, of another format, or damaged where the format can tell.
[[nodiscard]] Image load_image(std::filesystem::path const& path);

/// A made-up map of `extent`: coast lines, hills and grain, at several scales. A pure function of its
/// arguments, with the same bits on every processor; about 5 ns a pixel.
[[nodiscard]] Image synthetic_image(Extent extent, std::uint64_t seed);

}  // namespace plenum::jobs
