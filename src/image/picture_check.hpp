// Is a picture file whole? Decoders fill what is missing with grey and say nothing.
#pragma once

#include <cstdint>
#include <span>

namespace plenum::image {

enum class PictureState { whole, truncated, damaged, unknown_format };

/// Follows the structure of a PNG (chunks and their checksums up to IEND), JPEG (segments and scans up to the
/// EOI marker) or BMP file (sizes in its header), without decoding pixels. Bytes after the end of the picture
/// are allowed.
[[nodiscard]] PictureState check_picture(std::span<std::uint8_t const> file) noexcept;

}  // namespace plenum::image
