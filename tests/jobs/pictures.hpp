// Small picture files, encoded in memory, for the tests of reading them.
#pragma once

#include <cstdint>
#include <vector>

namespace plenum::jobs::test_pictures {

/// 40 columns and 24 rows, from black in the top left corner to white in the bottom right one.
[[nodiscard]] std::vector<std::uint8_t> gradient_jpeg();
/// Four rows of three pixels: red, green, blue, white; 24 bits a pixel, uncompressed.
[[nodiscard]] std::vector<std::uint8_t> colour_rows_bmp();

}  // namespace plenum::jobs::test_pictures
