// A ring of records from one executor to the node leader: results of varying length and error messages.
#pragma once

#include <optional>
#include <plenum/codec.hpp>

#include "pool/node_layout.hpp"

namespace plenum::pool {

/// The most bytes that one record can carry.
[[nodiscard]] std::uint64_t ring_record_limit(std::uint64_t ring_bytes) noexcept;

/// Executor's side. False: no room now. `content` is at most ring_record_limit bytes.
[[nodiscard]] bool ring_push(ExecutorCell& cell, std::byte* ring, std::uint64_t ring_bytes, RingRecord record,
                             ByteView content) noexcept;

/// Leader's side: the oldest record and its content, valid until ring_pop.
struct RingFront {
    RingRecord record;
    ByteView content;
};
[[nodiscard]] std::optional<RingFront> ring_front(ExecutorCell& cell, std::byte const* ring,
                                                  std::uint64_t ring_bytes) noexcept;
void ring_pop(ExecutorCell& cell, RingFront const& front) noexcept;

}  // namespace plenum::pool
