// The text of an option as a value of a type.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

namespace plenum {

/// What an option's text can become.
template <class T>
concept OptionType = std::same_as<T, std::string> || std::integral<T> || std::floating_point<T>;

namespace detail {
[[nodiscard]] bool parse_switch(std::string_view text, std::string_view option);
[[nodiscard]] std::int64_t parse_signed(std::string_view text, std::string_view option, std::int64_t least,
                                        std::int64_t greatest);
[[nodiscard]] std::uint64_t parse_unsigned(std::string_view text, std::string_view option,
                                           std::uint64_t least, std::uint64_t greatest);
[[nodiscard]] double parse_real(std::string_view text, std::string_view option);
}  // namespace detail

/// The value that `text`, the whole of it, spells. Integers are decimal, unsigned ones refuse a minus sign,
/// and both refuse what T cannot hold; floating-point values are finite; bool takes true/false, yes/no,
/// on/off, 1/0. Throws UsageError that names `option` (for example "--filters") and says what would be right.
template <OptionType T>
[[nodiscard]] T parse_option(std::string_view text, std::string_view option) {
    if constexpr (std::same_as<T, std::string>) {
        return std::string(text);
    } else if constexpr (std::same_as<T, bool>) {
        return detail::parse_switch(text, option);
    } else if constexpr (std::floating_point<T>) {
        return static_cast<T>(detail::parse_real(text, option));
    } else if constexpr (std::is_signed_v<T>) {
        return static_cast<T>(
            detail::parse_signed(text, option, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
    } else {
        return static_cast<T>(detail::parse_unsigned(text, option, 0, std::numeric_limits<T>::max()));
    }
}

}  // namespace plenum
