// The text of Debian's package bible-kjv-text, whose only form there is a file of packed windows.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace plenum::jobs {

inline constexpr char const* king_james_text = "/usr/lib/bible.data";

[[nodiscard]] bool is_packed_text(std::string_view bytes) noexcept;

/// The verses of the file, a line each, without the title of the first line and without the numbers
/// ("Ge1:1 ") of the verses. The format: a head, the numbers (32 bits, big-endian) of windows, window size
/// and offsets, then the windows, each packed like a file of compress(1) (LZW with codes of 9 to 16 bits; T.
/// Welch, "A technique for high-performance data compression", Computer 17 (6), 1984) without its head.
/// Throws EnvironmentError that names `path` when `bytes`, its content, is damaged.
[[nodiscard]] std::string unpack_text(std::string_view bytes, std::filesystem::path const& path);

}  // namespace plenum::jobs
