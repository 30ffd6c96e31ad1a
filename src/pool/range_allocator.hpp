// Hands out ranges of offsets: first fit, neighbours merged when freed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

namespace plenum::pool {

class RangeAllocator {
public:
    /// Offsets [begin, end), both multiples of `alignment`; every range is a multiple of it.
    RangeAllocator(std::uint64_t begin, std::uint64_t end, std::uint64_t alignment);
    /// Offset of a free range of `bytes`, lowest first, or nothing. O(number of holes).
    [[nodiscard]] std::optional<std::uint64_t> allocate(std::uint64_t bytes);
    /// Throws std::logic_error when nothing was allocated there.
    void free(std::uint64_t offset);
    [[nodiscard]] std::uint64_t used() const noexcept { return used_; }
    [[nodiscard]] std::uint64_t capacity() const noexcept { return capacity_; }
    [[nodiscard]] std::uint64_t largest_hole() const noexcept;

private:
    std::uint64_t alignment_, capacity_, used_ = 0;
    std::map<std::uint64_t, std::uint64_t> holes_;  // offset -> bytes
    std::map<std::uint64_t, std::uint64_t> taken_;
};

}  // namespace plenum::pool
