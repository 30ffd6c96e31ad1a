#include "pool/node_layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <plenum/error.hpp>

#include "base/memory_limits.hpp"
#include "base/units.hpp"

namespace plenum::pool {
namespace {

constexpr auto page = base::page_most;
/// Two blocks for each executor, so that also blocks of a single task keep all of them busy.
constexpr int slots_for(int executors) {
    return std::max(least_slots, 2 * executors);
}
constexpr std::uint64_t page_up(std::uint64_t offset) {
    return (offset + page - 1) / page * page;
}

}  // namespace

void NodeView::format(int executors, int most_executors, std::uint64_t run_start_ns) {
    auto const n = static_cast<std::uint64_t>(most_executors);
    NodeHeader layout{};
    auto const slots = static_cast<std::uint64_t>(slots_for(most_executors));
    layout.executors = executors;
    layout.slot_count = slots_for(executors);
    layout.run_start_ns = run_start_ns;
    layout.cells_offset = page_up(sizeof(NodeHeader));
    layout.slots_offset = page_up(layout.cells_offset + n * sizeof(ExecutorCell));
    layout.tables_offset = page_up(layout.slots_offset + slots * sizeof(BlockSlot));
    layout.rings_offset = page_up(layout.tables_offset + slots * (table_size + 1) * sizeof(std::uint64_t));
    auto const share = memory_.bytes / 16 / n;
    layout.ring_bytes = page_up(std::clamp<std::uint64_t>(share, 64 * 1024, 256 << 20));
    auto const front = layout.rings_offset + n * layout.ring_bytes;
    if (front + 16 * page > memory_.bytes)
        throw EnvironmentError(fmt::format(
            "node memory of {} is too small for {} executors; give at least {} with --node-memory, or lower "
            "--executors",
            base::format_bytes(memory_.bytes), most_executors, base::format_bytes(2 * (front + 16 * page))));
    layout.arrays_begin = page_up(front);
    layout.arrays_end = page_up(layout.arrays_begin + (memory_.bytes - layout.arrays_begin) / 2);
    layout.scratch_begin = layout.arrays_end;
    layout.scratch_end = memory_.bytes / page * page;
    // Fresh shared memory is zero, which is the right start for every cell and slot.
    auto& header = *at<NodeHeader>(0);
    header.run_start_ns = layout.run_start_ns;
    header.executors = layout.executors;
    header.slot_count = layout.slot_count;
    header.cells_offset = layout.cells_offset;
    header.slots_offset = layout.slots_offset;
    header.tables_offset = layout.tables_offset;
    header.rings_offset = layout.rings_offset;
    header.ring_bytes = layout.ring_bytes;
    header.arrays_begin = layout.arrays_begin;
    header.arrays_end = layout.arrays_end;
    header.scratch_begin = layout.scratch_begin;
    header.scratch_end = layout.scratch_end;
}

}  // namespace plenum::pool
