#include "pool/range_allocator.hpp"

#include <algorithm>
#include <stdexcept>

namespace plenum::pool {

RangeAllocator::RangeAllocator(std::uint64_t begin, std::uint64_t end, std::uint64_t alignment)
    : alignment_(alignment), capacity_(end - begin) {
    if (end > begin) holes_[begin] = end - begin;
}

std::optional<std::uint64_t> RangeAllocator::allocate(std::uint64_t bytes) {
    bytes = std::max<std::uint64_t>((bytes + alignment_ - 1) / alignment_ * alignment_, alignment_);
    auto const hole =
        std::find_if(holes_.begin(), holes_.end(), [&](auto const& h) { return h.second >= bytes; });
    if (hole == holes_.end()) return std::nullopt;
    auto const [offset, size] = *hole;
    holes_.erase(hole);
    if (size > bytes) holes_[offset + bytes] = size - bytes;
    taken_[offset] = bytes;
    used_ += bytes;
    return offset;
}

void RangeAllocator::free(std::uint64_t offset) {
    auto const entry = taken_.find(offset);
    if (entry == taken_.end()) throw std::logic_error("freed a range that was not allocated");
    auto bytes = entry->second;
    taken_.erase(entry);
    used_ -= bytes;
    auto next = holes_.lower_bound(offset);
    if (next != holes_.end() && next->first == offset + bytes) {
        bytes += next->second;
        next = holes_.erase(next);
    }
    if (next != holes_.begin()) {
        auto const before = std::prev(next);
        if (before->first + before->second == offset) {
            before->second += bytes;
            return;
        }
    }
    holes_[offset] = bytes;
}

std::uint64_t RangeAllocator::largest_hole() const noexcept {
    std::uint64_t largest = 0;
    for (auto const& [offset, bytes] : holes_) largest = std::max(largest, bytes);
    return largest;
}

}  // namespace plenum::pool
