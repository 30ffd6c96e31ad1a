// Bytes set aside until the result file is completed: in memory while few, then in a nameless temporary file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"

namespace plenum::io {

/// Append-only. The temporary file lies in `folder`, so that the space it needs is where the results go
/// anyway, and vanishes with the spool or the process. Errors: EnvironmentError that names the folder.
class Spool {
public:
    explicit Spool(std::string folder) : folder_(std::move(folder)) {}

    /// Appends and returns the position of the first byte. Small appends are collected in memory.
    std::uint64_t append(std::span<std::byte const> data);
    /// Fills `into` from `position`; all of it must have been appended.
    void read(std::uint64_t position, std::span<std::byte> into);
    [[nodiscard]] std::uint64_t size() const noexcept { return in_file_ + buffer_.size(); }

private:
    void flush();
    void write(std::span<std::byte const> data);

    std::string folder_;
    base::UniqueFd fd_;  // opened by the first write
    std::uint64_t in_file_ = 0;
    std::vector<std::byte> buffer_;  // follows the bytes in the file
};

}  // namespace plenum::io
