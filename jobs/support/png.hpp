// Writing grey PNG files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include "support/extent.hpp"

namespace plenum::jobs {

/// Throws UsageError that names `option` unless write_png can create or replace `path`: its folder exists and
/// is writable, and no folder or device has that name. To be asked before a long run, not after it.
void require_png_path(std::filesystem::path const& path, std::string_view option);

/// Writes an 8-bit grey PNG; `grey` is row-major, 0 black, 255 white. The file gets its name when it is
/// complete; one of that name is replaced. Throws EnvironmentError when it cannot be written.
void write_png(std::filesystem::path const& path, Extent extent, std::span<std::uint8_t const> grey);

}  // namespace plenum::jobs
