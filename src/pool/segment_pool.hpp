// Ranges of node memory with shared owners: segments of blocks, function objects, results that stay in
// memory.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>

#include "base/doorbell.hpp"
#include "pool/node_layout.hpp"
#include "pool/range_allocator.hpp"

namespace plenum::pool {

/// Memory of segments (and of results that stay in node memory): handed out by the leader's thread, given
/// back by whoever is the last to need it.
class SegmentPool {
public:
    /// Offsets [begin, end) of node memory. Freed segments of `remove_from` bytes and more give their pages
    /// back; smaller ones are kept, because fresh pages cost more than the results in them.
    SegmentPool(NodeView node, std::uint64_t begin, std::uint64_t end, std::uint64_t remove_from,
                base::DoorbellAddress bell);
    /// The segment lives as long as the pointer (and its copies). Null when there is no room.
    [[nodiscard]] std::shared_ptr<std::uint64_t const> allocate(std::uint64_t bytes);
    [[nodiscard]] std::uint64_t used();

private:
    struct Shared {
        Shared(RangeAllocator free_ranges, base::DoorbellAddress to)
            : ranges(std::move(free_ranges)), bell(to) {}
        std::mutex mutex;
        RangeAllocator ranges;
        base::DoorbellAddress bell;
        base::Ringer ringer;
    };
    NodeView node_;
    std::uint64_t remove_from_;
    std::shared_ptr<Shared> shared_;
};

}  // namespace plenum::pool
