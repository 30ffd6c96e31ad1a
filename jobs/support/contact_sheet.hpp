// Many results on one picture, as thumbnails in a grid.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "support/extent.hpp"

namespace plenum::jobs {

/// The number of thumbnails that fit on a contact sheet; more results than that are not shown.
inline constexpr std::size_t contact_sheet_capacity = 12;

struct ContactSheet {
    Extent extent;
    std::vector<std::uint8_t> grey;  ///< row-major, 0 black to 255 white
};

/// Draws `count` results (shape [count, extent.rows, extent.columns], at least one) in up to four columns, in
/// reading order. Each is averaged over areas down to at most 240 pixels wide and high, never enlarged, and
/// stretched so that its 2nd percentile is black and its 98th white, whatever its scale. A constant result is
/// mid-grey; values that are not finite count as zero.
[[nodiscard]] ContactSheet contact_sheet(std::span<float const> results, std::size_t count, Extent extent);

/// contact_sheet as a PNG file (see write_png).
void write_contact_sheet(std::filesystem::path const& path, std::span<float const> results, std::size_t count,
                         Extent extent);

}  // namespace plenum::jobs
