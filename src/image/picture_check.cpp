// Is a picture file whole? Decoders fill what is missing with grey and say nothing.
#include "image/picture_check.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace plenum::image {
namespace {

using Bytes = std::span<std::uint8_t const>;

constexpr std::array<std::uint8_t, 8> png_signature = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
constexpr std::array<std::uint8_t, 3> jpeg_signature = {0xFF, 0xD8, 0xFF};
constexpr std::array<std::uint8_t, 2> bmp_signature = {'B', 'M'};

bool starts_with(Bytes file, Bytes signature) {
    return file.size() >= signature.size() && std::equal(signature.begin(), signature.end(), file.begin());
}

std::uint64_t big_endian(Bytes bytes) {
    std::uint64_t number = 0;
    for (auto const byte : bytes) number = number << 8 | byte;
    return number;
}

std::uint32_t little_endian(Bytes bytes) {
    std::uint32_t number = 0;
    for (std::size_t k = bytes.size(); k-- > 0;) number = number << 8 | bytes[k];
    return number;
}

/// PNG specification, annex D.
std::uint32_t png_crc(Bytes bytes) {
    static constexpr auto table = [] {
        std::array<std::uint32_t, 256> rows{};
        for (std::uint32_t n = 0; n < rows.size(); ++n) {
            rows[n] = n;
            for (int bit = 0; bit < 8; ++bit)
                rows[n] = (rows[n] & 1) != 0 ? 0xEDB88320 ^ rows[n] >> 1 : rows[n] >> 1;
        }
        return rows;
    }();
    auto crc = ~std::uint32_t{0};
    for (auto const byte : bytes) crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8;
    return ~crc;
}

/// PNG specification, section 5.3: length, type, data, CRC of the last two.
PictureState png_state(Bytes file) {
    constexpr std::size_t around_data = 12;
    constexpr std::array<std::uint8_t, 4> last = {'I', 'E', 'N', 'D'};
    auto rest = file.subspan(png_signature.size());
    while (rest.size() >= around_data) {
        auto const chunk = big_endian(rest.first(4)) + around_data;
        if (chunk > rest.size()) return PictureState::truncated;
        auto const size = static_cast<std::size_t>(chunk);
        if (png_crc(rest.subspan(4, size - 8)) != big_endian(rest.subspan(size - 4, 4)))
            return PictureState::damaged;
        if (std::ranges::equal(rest.subspan(4, 4), last)) return PictureState::whole;
        rest = rest.subspan(size);
    }
    return PictureState::truncated;
}

/// ITU-T T.81, annex B: markers with a length, and after each start of scan coded data without one.
bool jpeg_is_whole(Bytes file) {
    constexpr std::uint8_t end_of_image = 0xD9;
    std::size_t at = 2;
    while (at + 1 < file.size()) {
        auto const marker = file[at + 1];
        bool const is_marker = file[at] == 0xFF && marker != 0x00 && marker != 0xFF;
        bool const has_length = !(marker >= 0xD0 && marker <= 0xD8) && marker != 0x01;  // restart, SOI, TEM
        if (is_marker && marker == end_of_image) return true;
        if (!is_marker) {
            ++at;  // coded data of a scan, or fill bytes
        } else if (!has_length) {
            at += 2;
        } else {
            if (at + 4 > file.size()) return false;
            at += 2 + big_endian(file.subspan(at + 2, 2));
        }
    }
    return false;
}

/// BITMAPINFOHEADER: uncompressed pixels (0 and 3) take height rows of whole 4-byte words.
bool bmp_is_whole(Bytes file) {
    constexpr std::size_t header = 34;
    if (file.size() < header) return false;
    auto const pixels = std::uint64_t{little_endian(file.subspan(10, 4))};
    auto const width = static_cast<std::int32_t>(little_endian(file.subspan(18, 4)));
    auto const height = static_cast<std::int32_t>(little_endian(file.subspan(22, 4)));
    auto const bits = std::uint64_t{little_endian(file.subspan(28, 2))};
    auto const compression = little_endian(file.subspan(30, 4));
    if (compression != 0 && compression != 3) return true;  // the decoder refuses these
    auto const rows = static_cast<std::uint64_t>(height < 0 ? -std::int64_t{height} : std::int64_t{height});
    auto const row_bytes = (static_cast<std::uint64_t>(std::max(width, 0)) * bits + 31) / 32 * 4;
    return pixels <= file.size() && (rows == 0 || row_bytes <= (file.size() - pixels) / rows);
}

}  // namespace

PictureState check_picture(Bytes file) noexcept {
    if (starts_with(file, png_signature)) return png_state(file);
    bool whole = false;
    if (starts_with(file, jpeg_signature)) {
        whole = jpeg_is_whole(file);
    } else if (starts_with(file, bmp_signature)) {
        whole = bmp_is_whole(file);
    } else {
        return PictureState::unknown_format;
    }
    return whole ? PictureState::whole : PictureState::truncated;
}

}  // namespace plenum::image
