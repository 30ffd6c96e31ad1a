// The text of Debian's package bible-kjv-text, whose only form there is a file of packed windows.
#include "support/packed_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <plenum/error.hpp>
#include <vector>

namespace plenum::jobs {
namespace {

constexpr std::string_view signature = "EC02Compressed Data File";
constexpr std::size_t window_size_at = 0x54, windows_at = 0x58, offsets_at = 0x5c;

struct Damaged {};

std::uint32_t number_at(std::string_view bytes, std::size_t at) {
    if (at + 4 > bytes.size()) throw Damaged();
    std::uint32_t number = 0;
    for (auto const byte : bytes.substr(at, 4)) number = number << 8 | static_cast<unsigned char>(byte);
    return number;
}

/// The codes of one window. They come in groups of eight, and a group that is cut short by a change of width
/// is filled up with bits that mean nothing.
class Codes {
public:
    explicit Codes(std::string_view bytes) : bytes_(bytes) {}
    /// False: there are no more.
    [[nodiscard]] bool next(unsigned width, std::uint32_t& code) {
        if (width != width_) {
            skip_group();
            width_ = width;
        }
        if (bit_ + width > 8 * bytes_.size()) return false;
        code = 0;
        for (unsigned k = 0; k < width; ++k, ++bit_)
            code |= (static_cast<unsigned char>(bytes_[bit_ / 8]) >> (bit_ % 8) & 1U) << k;
        return true;
    }
    void skip_group() {
        auto const group = 8 * static_cast<std::size_t>(width_);
        if (group != 0) bit_ = start_ + (bit_ - start_ + group - 1) / group * group;
        start_ = bit_;
    }

private:
    std::string_view bytes_;
    std::size_t bit_ = 0, start_ = 0;  // `start_`: where codes of this width begin
    unsigned width_ = 0;
};

void unpack_window(std::string_view packed, std::size_t most, std::string& text) {
    constexpr std::uint32_t clear = 256;
    constexpr unsigned least_width = 9, most_width = 16;
    struct Entry {
        std::uint32_t before;
        char last;
    };
    std::vector<Entry> entries(clear +
                               1);  // of strings: another string and a letter; below 256 nothing is read
    Codes codes(packed);
    auto width = least_width;
    std::uint32_t code = 0, last = clear;  // `last`: clear before the first code of a table
    std::string letters;                   // of a string, from its end
    auto const limit = text.size() + most;
    while (codes.next(width, code)) {
        if (code == clear) {
            entries.resize(clear + 1);
            codes.skip_group();
            width = least_width;
            last = clear;
            continue;
        }
        if (last == clear ? code > 255 : code > entries.size()) throw Damaged();
        // The entry that this code completes may be its own: then it ends with the letter it begins with.
        bool const own = last != clear && code == entries.size();
        letters.clear();
        auto at = own ? last : code;
        for (; at > clear; at = entries[at].before) letters += entries[at].last;
        letters += static_cast<char>(at);
        auto const first = letters.back();
        text.append(letters.rbegin(), letters.rend());
        if (own) text += first;
        if (text.size() > limit) throw Damaged();
        if (last != clear && entries.size() < (std::size_t{1} << most_width)) {
            entries.push_back({.before = last, .last = first});
        }
        if (width < most_width && entries.size() >= (std::size_t{1} << width)) ++width;
        last = code;
    }
}

std::string verses_of(std::string_view text) {
    std::string verses;
    verses.reserve(text.size());
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
    while (!text.empty()) {
        auto const line = text.substr(0, text.find('\n'));
        verses.append(line.substr(std::min(line.find(' '), line.size() - 1) + 1)) += '\n';
        text.remove_prefix(std::min(line.size() + 1, text.size()));
    }
    return verses;
}

}  // namespace

bool is_packed_text(std::string_view bytes) noexcept {
    return bytes.starts_with(signature);
}

std::string unpack_text(std::string_view bytes, std::filesystem::path const& path) {
    try {
        auto const windows = number_at(bytes, windows_at), window_size = number_at(bytes, window_size_at);
        std::string text;
        for (std::size_t window = 0; window < windows; ++window) {
            auto const begin = number_at(bytes, offsets_at + 4 * window);
            auto const end = number_at(bytes, offsets_at + 4 * window + 4);
            if (begin > end || end > bytes.size()) throw Damaged();
            unpack_window(bytes.substr(begin, end - begin), window_size, text);
        }
        if (text.empty()) throw Damaged();
        return verses_of(text);
    } catch (Damaged const&) {
        throw EnvironmentError(
            fmt::format("cannot read --text '{}' (it is damaged or truncated); install bible-kjv-text again "
                        "or pass text files",
                        path.string()));
    }
}

}  // namespace plenum::jobs
