// Numbers of things as users write them: "250", "10k", "1M".
#pragma once

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <plenum/error.hpp>
#include <string_view>

namespace plenum::jobs {

/// "1M" to 1'000'000; k, M and G are powers of 1000. Throws UsageError that names `option` unless `text` is a
/// whole number, with at most one of these letters, between `least` and `greatest`.
[[nodiscard]] inline std::uint64_t parse_count(std::string_view text, std::string_view option,
                                               std::uint64_t least, std::uint64_t greatest) {
    std::uint64_t number = 0;
    auto const* const end = text.data() + text.size();
    auto const [rest, error] = std::from_chars(text.data(), end, number);
    std::string_view const letter(rest, static_cast<std::size_t>(end - rest));
    auto const factor = letter.empty()                   ? 1U
                        : letter == "k" || letter == "K" ? 1'000U
                        : letter == "M"                  ? 1'000'000U
                        : letter == "G"                  ? 1'000'000'000U
                                                         : 0U;
    if (error == std::errc() && factor != 0 && number <= greatest / factor && number * factor >= least)
        return number * factor;
    throw UsageError(fmt::format("{}: '{}' is no number from {} to {}; write for example {} 10k or 1M",
                                 option, text, least, greatest, option));
}

}  // namespace plenum::jobs
