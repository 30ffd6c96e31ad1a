// Large whole numbers as users write them: "128M", "1000", "2G".
#pragma once

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <plenum/error.hpp>
#include <string_view>

namespace plenum::jobs {

/// "128M" to 128'000'000: a whole number, times 10^3 (k), 10^6 (M) or 10^9 (G). Throws UsageError that names
/// `option` (for example "--elements") unless it is one from 1 to `greatest`.
[[nodiscard]] inline std::uint64_t parse_whole_number(std::string_view text, std::string_view option,
                                                      std::uint64_t greatest) {
    std::uint64_t number = 0;
    auto const* const end = text.data() + text.size();
    auto const parsed = std::from_chars(text.data(), end, number);
    std::string_view const rest(parsed.ptr, end);
    std::uint64_t unit = 0;
    if (rest.empty()) unit = 1;
    if (rest == "k") unit = 1'000;
    if (rest == "M") unit = 1'000'000;
    if (rest == "G") unit = 1'000'000'000;
    if (parsed.ec != std::errc() || unit == 0) {
        throw UsageError(
            fmt::format("{} '{}' is no whole number (digits, then perhaps k, M or G); write for example "
                        "{} 128M",
                        option, text, option));
    }
    if (number == 0 || number > greatest / unit) {
        throw UsageError(fmt::format("{} '{}' is out of range; write a whole number from 1 to {}", option,
                                     text, greatest));
    }
    return number * unit;
}

}  // namespace plenum::jobs
