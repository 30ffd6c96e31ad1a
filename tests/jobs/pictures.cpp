// Small picture files, encoded in memory, for the tests of reading them.
#include "jobs/pictures.hpp"

#include <stb/stb_image_write.h>

#include <array>

namespace plenum::jobs::test_pictures {
namespace {

void append(void* context, void* data, int size) {
    auto& bytes = *static_cast<std::vector<std::uint8_t>*>(context);
    auto const* const first = static_cast<std::uint8_t const*>(data);
    bytes.insert(bytes.end(), first, first + size);
}

}  // namespace

std::vector<std::uint8_t> gradient_jpeg() {
    constexpr int columns = 40;
    constexpr int rows = 24;
    std::vector<std::uint8_t> grey;
    for (int y = 0; y < rows; ++y) {
        for (int x = 0; x < columns; ++x) {
            grey.push_back(static_cast<std::uint8_t>(255 * (x + y) / (columns + rows - 2)));
        }
    }
    std::vector<std::uint8_t> bytes;
    stbi_write_jpg_to_func(append, &bytes, columns, rows, 1, grey.data(), 95);
    return bytes;
}

std::vector<std::uint8_t> colour_rows_bmp() {
    constexpr std::array<std::array<std::uint8_t, 3>, 4> colours = {
        {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {255, 255, 255}}};
    std::vector<std::uint8_t> pixels;
    for (auto const& colour : colours) {
        for (int x = 0; x < 3; ++x) pixels.insert(pixels.end(), colour.begin(), colour.end());
    }
    std::vector<std::uint8_t> bytes;
    stbi_write_bmp_to_func(append, &bytes, 3, 4, 3, pixels.data());
    return bytes;
}

}  // namespace plenum::jobs::test_pictures
