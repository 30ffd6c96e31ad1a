// How much memory this node can still give: free memory, cgroup limit, space of a tmpfs.
#pragma once

#include <cstdint>
#include <string>

namespace plenum::base {

/// All in bytes; UINT64_MAX where there is no such limit.
struct MemoryLimits {
    std::uint64_t available = UINT64_MAX;  ///< MemAvailable of the kernel
    std::uint64_t cgroup_headroom =
        UINT64_MAX;  ///< limit minus usage (page cache not counted) of the tightest cgroup
    std::uint64_t backing_free = UINT64_MAX;  ///< free space of the directory that backs shared memory

    [[nodiscard]] std::uint64_t least() const noexcept;
    /// "10.2 GiB available, cgroup allows 4.0 GiB, 12.0 GiB free in /dev/shm"
    [[nodiscard]] std::string describe() const;
    std::string backing_directory;
};

/// Reads the limits now. `backing_directory` may be empty (anonymous memory).
[[nodiscard]] MemoryLimits read_memory_limits(std::string const& backing_directory);

/// Bytes of a page of this machine; a power of two, at most page_most.
[[nodiscard]] std::uint64_t page_size() noexcept;
inline constexpr std::uint64_t page_most = 64 * 1024;  ///< offsets in node memory are multiples of it

/// Makes the pages of [begin, begin + bytes) present and writable, so that lack of memory is an error here
/// and not a SIGBUS later. Returns 0 or an errno. Cost: about 0.5 s per GiB.
[[nodiscard]] int populate(void* begin, std::uint64_t bytes) noexcept;

}  // namespace plenum::base
