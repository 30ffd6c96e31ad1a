// Rows and columns, and how users write them: "3000x3000", "4x4".
#pragma once

#include <fmt/format.h>

#include <charconv>
#include <cstddef>
#include <plenum/error.hpp>
#include <string>
#include <string_view>

namespace plenum::jobs {

/// The size of a row-major array of pixels or taps.
struct Extent {
    std::size_t rows = 0;
    std::size_t columns = 0;

    /// Cannot overflow for extents that parse_extent accepted.
    [[nodiscard]] constexpr std::size_t size() const noexcept { return rows * columns; }
    friend constexpr bool operator==(Extent, Extent) noexcept = default;
};

[[nodiscard]] inline std::string to_string(Extent extent) {
    return fmt::format("{}x{}", extent.rows, extent.columns);
}

/// The largest number of rows or of columns that parse_extent accepts.
inline constexpr std::size_t extent_limit = 1'000'000;

/// "3000x2000" to {3000, 2000}. Throws UsageError that names `option` (for example "--synthetic") unless
/// `text` is two numbers between 1 and extent_limit with one x between them.
[[nodiscard]] inline Extent parse_extent(std::string_view text, std::string_view option) {
    Extent extent;
    auto const* const end = text.data() + text.size();
    auto const in_range = [](std::size_t number) { return number >= 1 && number <= extent_limit; };
    auto const rows = std::from_chars(text.data(), end, extent.rows);
    if (rows.ec == std::errc() && rows.ptr != end && *rows.ptr == 'x') {
        auto const columns = std::from_chars(rows.ptr + 1, end, extent.columns);
        if (columns.ec == std::errc() && columns.ptr == end && in_range(extent.rows) &&
            in_range(extent.columns)) {
            return extent;
        }
    }
    throw UsageError(
        fmt::format("{} '{}' is no size (ROWSxCOLUMNS, each from 1 to {}); write for example {} 40x30",
                    option, text, extent_limit, option));
}

}  // namespace plenum::jobs
