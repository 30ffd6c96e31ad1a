#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <plenum/error.hpp>
#include <plenum/option_value.hpp>

namespace plenum::detail {
namespace {

template <class Integer>
[[nodiscard]] Integer parse_integer(std::string_view text, std::string_view option, Integer least,
                                    Integer greatest) {
    auto const refuse = [&](std::string const& why) {
        throw UsageError(fmt::format("{}: '{}' {}", option, text, why));
    };
    auto const digits = text.substr(text.starts_with('-') ? 1 : 0);
    auto const is_digit = [](char c) { return c >= '0' && c <= '9'; };
    if (digits.empty() || !std::ranges::all_of(digits, is_digit))
        refuse("is not a whole number; write digits only");
    if (least >= 0 && text.starts_with('-'))
        refuse(least == 0 ? "is negative; write digits only"
                          : fmt::format("is negative; write a whole number from {}", least));
    Integer number = 0;
    auto const result = std::from_chars(text.data(), text.data() + text.size(), number);
    if (result.ec != std::errc{} || number < least || number > greatest)
        refuse(fmt::format("is out of range; write a whole number from {} to {}", least, greatest));
    return number;
}

}  // namespace

bool parse_switch(std::string_view text, std::string_view option) {
    static constexpr std::array<std::string_view, 4> on{"true", "yes", "on", "1"};
    static constexpr std::array<std::string_view, 4> off{"false", "no", "off", "0"};
    if (std::ranges::find(on, text) != on.end()) return true;
    if (std::ranges::find(off, text) != off.end()) return false;
    throw UsageError(fmt::format("{}: '{}' is neither true nor false; write true or false", option, text));
}

std::int64_t parse_signed(std::string_view text, std::string_view option, std::int64_t least,
                          std::int64_t greatest) {
    return parse_integer(text, option, least, greatest);
}

std::uint64_t parse_unsigned(std::string_view text, std::string_view option, std::uint64_t least,
                             std::uint64_t greatest) {
    return parse_integer(text, option, least, greatest);
}

double parse_real(std::string_view text, std::string_view option) {
    double number = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(number))
        throw UsageError(
            fmt::format("{}: '{}' is not a finite number; write a number such as 0.5 or 1e-3", option, text));
    return number;
}

}  // namespace plenum::detail
