// Reading pictures with stb.
#include <fmt/format.h>
#include <stb/stb_image.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>
#include <memory>
#include <plenum/error.hpp>
#include <plenum/image.hpp>
#include <string_view>

#include "image/picture_check.hpp"

namespace plenum {
namespace {

using image::check_picture;
using image::PictureState;

constexpr std::string_view what_to_pass = "pass a PNG, JPEG or BMP file";

[[noreturn]] void refuse(std::filesystem::path const& path, std::string_view why, std::string_view way_out) {
    throw EnvironmentError(fmt::format("cannot read image '{}' ({}); {}", path.string(), why, way_out));
}

std::vector<std::uint8_t> read_file(std::filesystem::path const& path) {
    std::error_code error;
    auto const status = std::filesystem::status(path, error);
    if (status.type() == std::filesystem::file_type::not_found) {
        refuse(path, "no such file", "check the path");
    }
    if (error) refuse(path, error.message(), "check the path and its permissions");
    if (std::filesystem::is_directory(status)) refuse(path, "it is a directory", what_to_pass);
    if (!std::filesystem::is_regular_file(status)) refuse(path, "it is no regular file", what_to_pass);
    errno = 0;
    std::ifstream stream(path, std::ios::binary);
    if (!stream) refuse(path, std::strerror(errno), "check its permissions");
    auto const size = std::filesystem::file_size(path, error);
    if (error) refuse(path, error.message(), "check the path and its permissions");
    if (size == 0) refuse(path, "the file is empty", what_to_pass);
    if (size > static_cast<std::uintmax_t>(std::numeric_limits<int>::max())) {
        refuse(path, "the file is larger than 2 GiB",
               "convert it to an HDF5 dataset and pass FILE.h5:DATASET");
    }
    std::vector<std::uint8_t> bytes(size);
    if (!stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size))) {
        refuse(path, "reading it failed", "check the disk, or copy the file again");
    }
    return bytes;
}

struct FreePicture {
    void operator()(void* pixels) const noexcept { stbi_image_free(pixels); }
};

/// Channels per pixel are 1 (grey), 2 (grey, alpha), 3 (colours) or 4 (colours, alpha).
template <class Sample>
std::vector<float> to_luminance(Sample const* samples, std::size_t pixels, std::size_t channels) {
    constexpr auto full = static_cast<float>(std::numeric_limits<Sample>::max());
    std::vector<float> luminance(pixels);
    for (std::size_t k = 0; k < pixels; ++k) {
        auto const* const pixel = samples + k * channels;
        auto const grey = channels < 3 ? static_cast<float>(pixel[0])
                                       : 0.299F * static_cast<float>(pixel[0]) +
                                             0.587F * static_cast<float>(pixel[1]) +
                                             0.114F * static_cast<float>(pixel[2]);
        luminance[k] = std::min(grey / full, 1.0F);
    }
    return luminance;
}

}  // namespace

GreyImage load_image(std::filesystem::path const& path) {
    auto const file = read_file(path);
    switch (check_picture(file)) {
        case PictureState::unknown_format:
            refuse(path, "it is no image of a known format", what_to_pass);
        case PictureState::truncated:
            refuse(path, "the file is truncated", "copy or download it again");
        case PictureState::damaged:
            refuse(path, "the file is damaged", "copy or download it again");
        case PictureState::whole:
            break;
    }
    auto const bytes = static_cast<int>(file.size());
    int columns = 0;
    int rows = 0;
    int channels = 0;
    bool const is_16_bit = stbi_is_16_bit_from_memory(file.data(), bytes) != 0;
    std::unique_ptr<void, FreePicture> const decoded(
        is_16_bit
            ? static_cast<void*>(stbi_load_16_from_memory(file.data(), bytes, &columns, &rows, &channels, 0))
            : static_cast<void*>(stbi_load_from_memory(file.data(), bytes, &columns, &rows, &channels, 0)));
    if (!decoded) {
        refuse(path, fmt::format("decoding failed: {}", stbi_failure_reason()),
               "check that it opens in a viewer");
    }
    GreyImage grey{.rows = static_cast<std::uint64_t>(rows),
                   .columns = static_cast<std::uint64_t>(columns),
                   .pixels = {}};
    auto const pixels = static_cast<std::size_t>(grey.rows * grey.columns);
    auto const samples_per_pixel = static_cast<std::size_t>(channels);
    grey.pixels =
        is_16_bit ? to_luminance(static_cast<std::uint16_t const*>(decoded.get()), pixels, samples_per_pixel)
                  : to_luminance(static_cast<std::uint8_t const*>(decoded.get()), pixels, samples_per_pixel);
    return grey;
}

}  // namespace plenum
