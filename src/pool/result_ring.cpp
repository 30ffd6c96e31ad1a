#include "pool/result_ring.hpp"

#include <cstring>

namespace plenum::pool {
namespace {

constexpr std::uint64_t unit = sizeof(RingRecord);
static_assert(unit == 32);

constexpr std::uint64_t record_size(std::uint64_t content) {
    return unit + (content + unit - 1) / unit * unit;
}

}  // namespace

std::uint64_t ring_record_limit(std::uint64_t ring_bytes) noexcept {
    return ring_bytes / 2 - unit;
}

bool ring_push(ExecutorCell& cell, std::byte* ring, std::uint64_t ring_bytes, RingRecord record,
               ByteView content) noexcept {
    auto head = cell.ring_head.load(std::memory_order_relaxed);
    auto const tail = cell.ring_tail.load(std::memory_order_acquire);
    record.bytes = content.size();
    auto const need = record_size(content.size());
    auto const to_end = ring_bytes - head % ring_bytes;
    // An empty ring starts over at its beginning, so that few pages are ever touched; unless the record fits
    // here but not behind the skip, for then it would have to wait for the leader.
    bool const restart = head == tail && head % ring_bytes > ring_bytes / 64 && to_end + need <= ring_bytes;
    if (to_end < need || (restart && to_end != ring_bytes)) {
        if (head + to_end - tail > ring_bytes) return false;
        RingRecord const skip{.kind = RingRecord::Kind::skip,
                              .cause = FailureCause::exception,
                              .bytes = to_end - unit,
                              .task = 0,
                              .sequence = 0};
        std::memcpy(ring + head % ring_bytes, &skip, unit);
        head += to_end;
        cell.ring_head.store(head, std::memory_order_release);
    }
    if (head + need - tail > ring_bytes) return false;
    auto* const place = ring + head % ring_bytes;
    std::memcpy(place, &record, unit);
    if (!content.empty()) std::memcpy(place + unit, content.data(), content.size());
    cell.ring_head.store(head + need, std::memory_order_release);
    return true;
}

std::optional<RingFront> ring_front(ExecutorCell& cell, std::byte const* ring,
                                    std::uint64_t ring_bytes) noexcept {
    auto const head = cell.ring_head.load(std::memory_order_acquire);
    for (;;) {
        auto const tail = cell.ring_tail.load(std::memory_order_relaxed);
        if (tail == head) return std::nullopt;
        RingFront front{};
        auto const* const place = ring + tail % ring_bytes;
        std::memcpy(&front.record, place, unit);
        if (front.record.kind != RingRecord::Kind::skip) {
            front.content = {place + unit, front.record.bytes};
            return front;
        }
        ring_pop(cell, front);
    }
}

void ring_pop(ExecutorCell& cell, RingFront const& front) noexcept {
    auto const tail = cell.ring_tail.load(std::memory_order_relaxed);
    cell.ring_tail.store(tail + record_size(front.record.bytes), std::memory_order_release);
}

}  // namespace plenum::pool
