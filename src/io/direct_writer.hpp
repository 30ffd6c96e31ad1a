// Large writes past the page cache: the disk takes them from where they lie, and the processor copies
// nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/unique_fd.hpp"

namespace plenum::io {

/// Direct writes (O_DIRECT) need a place in memory and a place in the file that agree modulo this.
inline constexpr std::uint64_t direct_unit = 4096;
/// Smaller writes go through the page cache: there they are joined, and a disk takes few large ones faster.
inline constexpr std::uint64_t direct_least = std::uint64_t{1} << 20;

class DirectWriter {
public:
    /// What of the data was written: [first, last). The rest is left to a write through the page cache.
    struct Part {
        std::size_t first = 0, last = 0;
        int error = 0;  ///< errno; `last` tells how far it came
    };
    /// Writes the whole units of `data` to a place inside of the file, which is open as `file`, always the
    /// same. Nothing where data is short or lies badly, or the file system is not known to do this well (ext4
    /// and XFS are). The caller syncs as after any write. The file may be read and written through `file`,
    /// but not these bytes meanwhile.
    [[nodiscard]] Part write(int file, std::uint64_t offset, std::span<std::byte const> data);

private:
    struct Done {
        std::size_t bytes;
        int error;
    };
    [[nodiscard]] Done write_units(std::uint64_t offset, std::span<std::byte const> data) const noexcept;
    [[nodiscard]] bool is_open(int file);

    base::UniqueFd fd_;
    bool is_possible_ = true;
};

}  // namespace plenum::io
