#include "base/units.hpp"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>
#include <plenum/error.hpp>
#include <utility>
#include <vector>

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
    if (seconds == 0) return "0 s";
    if (seconds < 0.1) {
        static constexpr std::array units{"ms", "us", "ns"};
        std::size_t unit = 0;
        auto value = seconds * 1e3;
        for (; value < 1 && unit + 1 < units.size(); ++unit) value *= 1e3;
        auto const decimals = value < 10 ? 2 : value < 100 ? 1 : 0;
        return fmt::format("{:.{}f} {}", value, decimals, units[unit]);
    }
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

namespace {

/// A number that fills `text`.
std::optional<double> number_in(std::string_view text) {
    double number = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || !(number >= 0) || !std::isfinite(number))
        return std::nullopt;
    return number;
}

/// "1:30:00", "30:00", "2-12", "2-12:00:00"
std::optional<double> slurm_duration(std::string_view text) {
    double days = 0;
    auto const dash = text.find('-');
    if (dash != std::string_view::npos) {
        auto const number = number_in(text.substr(0, dash));
        if (!number) return std::nullopt;
        days = *number;
        text.remove_prefix(dash + 1);
    }
    std::vector<double> parts;
    for (;;) {
        auto const colon = text.find(':');
        auto const number = number_in(text.substr(0, colon));
        if (!number) return std::nullopt;
        parts.push_back(*number);
        if (colon == std::string_view::npos) break;
        text.remove_prefix(colon + 1);
    }
    if (parts.size() > 3) return std::nullopt;
    // After days come hours, else the last part is seconds.
    if (dash != std::string_view::npos) parts.resize(3);
    double seconds = 0;
    for (auto const part : parts) seconds = seconds * 60 + part;
    return days * 86400 + seconds;
}

}  // namespace

double parse_duration(std::string_view text, std::string_view what) {
    static constexpr std::array units{std::pair{"min", 60.0}, std::pair{"s", 1.0}, std::pair{"m", 60.0},
                                      std::pair{"h", 3600.0}, std::pair{"d", 86400.0}};
    std::optional<double> seconds;
    if (text.find_first_of(":-") != std::string_view::npos) {
        seconds = slurm_duration(text);
    } else {
        auto number = text;
        double factor = 1;
        for (auto const& [unit, length] : units)
            if (text.ends_with(unit)) {
                number.remove_suffix(std::string_view(unit).size());
                factor = length;
                break;
            }
        while (number.ends_with(' ')) number.remove_suffix(1);
        if (auto const value = number_in(number)) seconds = *value * factor;
    }
    constexpr double most = 1e9;  // about 30 years
    if (seconds && *seconds <= most) return *seconds;
    throw UsageError(fmt::format(
        "{}: '{}' is not a time; write seconds, 20min, 1.5h, or hours:minutes:seconds", what, text));
}

}  // namespace plenum::base
