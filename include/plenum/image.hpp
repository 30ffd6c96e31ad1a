// Pictures as arrays. Opt-in: link plenum::image.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace plenum {

struct GreyImage {
    std::uint64_t rows = 0, columns = 0;
    std::vector<float> pixels = {};  ///< row-major luminance, 0 (black) to 1 (white)
};

/// Reads a PNG, JPEG or BMP file, 8 or 16 bits a channel. Colours become luminance (Rec. 601 weights of the
/// encoded values); transparency is ignored. Throws EnvironmentError that names the file when it is missing,
/// no regular file, empty, cut off, of another format, or damaged where the format can tell.
/// Local; any thread, also inside tasks; cost: about that of decoding, 10 to 20 ns a pixel. For all tasks to see one
/// copy: pool.share(image.pixels, {image.rows, image.columns}).
[[nodiscard]] GreyImage load_image(std::filesystem::path const& path);

}  // namespace plenum
