// Whole reads and writes at a place in a file: short transfers and interrupts are handled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <plenum/error.hpp>
#include <span>
#include <string>

namespace plenum::io {

/// Writes all of `data` at `offset`. Returns 0 or the errno of the failure.
[[nodiscard]] int write_fully(int fd, std::uint64_t offset, std::span<std::byte const> data) noexcept;
/// Fills `into` from `offset`. Returns 0 or the errno of the failure; EIO at the end of the file.
[[nodiscard]] int read_fully(int fd, std::uint64_t offset, std::span<std::byte> into) noexcept;
/// "<path>: disk full (<written> of <expected> written); ..." or another line that fits the errno `error`.
[[nodiscard]] EnvironmentError write_error(std::string const& path, int error, std::uint64_t written,
                                           std::uint64_t expected);
/// What is wrong with a place where `path` or a file beside it cannot be made.
[[nodiscard]] EnvironmentError creation_error(std::string const& path, int error);
/// Waits until names that were made, changed or removed in the folder of `path` are on the disk. Returns 0 or
/// an errno.
[[nodiscard]] int sync_folder_of(std::string const& path) noexcept;
/// The folder that holds `path`; "." for a plain file name.
[[nodiscard]] std::string folder_of(std::string const& path);

}  // namespace plenum::io
