#include "base/units.hpp"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <plenum/error.hpp>

namespace plenum::base {

std::string format_bytes(std::uint64_t bytes) {
    static constexpr std::array units{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    for (; value >= 1024 && unit + 1 < units.size(); ++unit) value /= 1024;
    return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, units[unit]);
}

std::string format_duration(double seconds) {
    if (!(seconds >= 0)) return "-";
    if (seconds < 10) return fmt::format("{:.2f} s", seconds);
    if (seconds < 60) return fmt::format("{:.1f} s", seconds);
    auto const whole = static_cast<std::uint64_t>(seconds);
    if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
    if (whole < 86400) return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
    return fmt::format("{} d {:02} h", whole / 86400, whole / 3600 % 24);
}

std::string format_count(double number) {
    static constexpr std::array units{"", " k", " M", " G", " T"};
    std::size_t unit = 0;
    for (; number >= 1000 && unit + 1 < units.size(); ++unit) number /= 1000;
    return unit == 0 && number == std::floor(number) ? fmt::format("{:.0f}", number)
                                                     : fmt::format("{:.1f}{}", number, units[unit]);
}

std::uint64_t parse_bytes(std::string_view text, std::string_view what) {
    auto const wrong = [&] {
        return UsageError(fmt::format(
            "{}: '{}' is not a size; write a number with a unit, such as 512M or 4G", what, text));
    };
    double number = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || !(number >= 0)) throw wrong();
    std::string unit;
    for (char const* c = end; c != text.data() + text.size(); ++c)
        if (*c != ' ') unit += static_cast<char>(std::toupper(static_cast<unsigned char>(*c)));
    static constexpr std::string_view prefixes = "KMGTP";
    double factor = 1;
    if (!unit.empty() && unit != "B") {
        auto const position = prefixes.find(unit[0]);
        auto const rest = unit.substr(1);
        if (position == std::string_view::npos || !(rest.empty() || rest == "B" || rest == "IB"))
            throw wrong();
        factor = std::ldexp(1.0, 10 * (static_cast<int>(position) + 1));
    }
    if (number * factor >= 0x1p63) throw wrong();
    return static_cast<std::uint64_t>(number * factor);
}

}  // namespace plenum::base
