#include "pool/segment_pool.hpp"

#include <sys/mman.h>

#include "base/memory_limits.hpp"

namespace plenum::pool {
namespace {

constexpr std::uint64_t round_up(std::uint64_t n, std::uint64_t unit) {
    return (n + unit - 1) / unit * unit;
}

}  // namespace

SegmentPool::SegmentPool(NodeView node, std::uint64_t begin, std::uint64_t end, std::uint64_t remove_from,
                         base::DoorbellAddress bell)
    : node_(node),
      remove_from_(remove_from),
      shared_(std::make_shared<Shared>(RangeAllocator(begin, end, base::page_size()), bell)) {}

std::shared_ptr<std::uint64_t const> SegmentPool::allocate(std::uint64_t bytes) {
    std::lock_guard const lock(shared_->mutex);
    auto const offset = shared_->ranges.allocate(bytes);
    if (!offset) return nullptr;
    auto* const gives_back = bytes >= remove_from_ ? node_.base() + *offset : nullptr;
    return {new std::uint64_t(*offset), [shared = shared_, gives_back, bytes](std::uint64_t const* range) {
                if (gives_back != nullptr)
                    ::madvise(gives_back, round_up(bytes, base::page_size()), MADV_REMOVE);
                {
                    std::lock_guard const guard(shared->mutex);
                    shared->ranges.free(*range);
                }
                delete range;
                shared->ringer.ring(shared->bell);
            }};
}

std::uint64_t SegmentPool::used() {
    std::lock_guard const lock(shared_->mutex);
    return shared_->ranges.used();
}

}  // namespace plenum::pool
