#include "pool/leader.hpp"

#include <algorithm>
#include <cstring>
#include <plenum/detail/chunk_call.hpp>
#include <plenum/error.hpp>

#include "base/clock.hpp"
#include "base/futex.hpp"
#include "sched/chunks.hpp"

namespace plenum::pool {
namespace {

using detail::TaskStatus;

constexpr int blocks_ahead_alone = 2;    // on a single node: the one at work and the next
constexpr double answer_seconds = 2e-3;  // from asking for a block to having it
constexpr std::uint64_t partial_after_ns =
    1'000'000'000;                                      // final tasks of an unfinished block wait this long
constexpr std::uint64_t varying_flush_bytes = 8 << 20;  // results of varying length are sent from here on
constexpr std::uint64_t timing_rows_per_executor = 1 << 14;  // a block lasts half a second, a chunk 0.1 ms

constexpr std::uint64_t round_up(std::uint64_t n, std::uint64_t unit) {
    return (n + unit - 1) / unit * unit;
}

}  // namespace

std::uint64_t uncommitted_limit(std::uint64_t node_memory_bytes) noexcept {
    return node_memory_bytes / 8;
}

std::uint64_t block_bytes_per_task(wire::OpenBatch const& batch, bool on_rank_zeros_node,
                                   std::uint64_t largest_item) noexcept {
    auto const items = batch.varying_items ? largest_item + sizeof(std::uint64_t) : batch.item_stride;
    auto const times = batch.timing ? sizeof(wire::Timing) : 0;
    return 1 + items + times + (batch.direct && on_rank_zeros_node ? 0 : batch.stride);
}

Leader::Leader(NodeView node, Place place, SegmentPool& segments, Send send)
    : node_(node),
      place_(std::move(place)),
      segments_(segments),
      send_(std::move(send)),
      on_the_way_(std::make_shared<OnTheWay>()) {
    on_the_way_->bell = node.header().leader_bell;
}

std::shared_ptr<void const> Leader::on_the_way(std::uint64_t bytes) {
    on_the_way_->bytes += bytes;
    return {on_the_way_.get(), [shared = on_the_way_, bytes](void const*) {
                shared->bytes -= bytes;
                shared->ringer.ring(shared->bell);
            }};
}

void Leader::open(wire::OpenBatch batch) {
    auto const bytes = batch.payload.bytes;
    auto function = segments_.allocate(std::max<std::uint64_t>(bytes.size(), 1));
    if (!function) throw EnvironmentError("node memory is full; give more with --node-memory");
    if (!bytes.empty()) std::memcpy(node_.base() + *function, bytes.data(), bytes.size());
    auto const id = batch.batch;
    batches_.insert_or_assign(id, Batch{.spec = std::move(batch), .function = std::move(function)});
}

void Leader::close(wire::CloseBatch batch) {
    batches_.erase(batch.batch);
}

void Leader::assign(wire::AssignBlock block) {
    --requested_;
    waiting_.push_back(std::move(block));
}

bool Leader::busy() const noexcept {
    if (!waiting_.empty() || !recoveries_.empty()) return true;
    for (int i = 0; i < slot_count; ++i)
        if (node_.slot(i).state.load(std::memory_order_relaxed) != SlotState::free) return true;
    return false;
}

int Leader::open_blocks() const {
    int open = static_cast<int>(waiting_.size());
    for (int i = 0; i < slot_count; ++i) {
        auto const& slot = node_.slot(i);
        if (slot.state.load(std::memory_order_relaxed) == SlotState::posted &&
            slot.next.load(std::memory_order_relaxed) < slot.units)
            ++open;
    }
    return open;
}

bool Leader::wants_block() const {
    if (place_.nodes == 1) return open_blocks() + requested_ < blocks_ahead_alone;
    if (requested_ > 0 || !waiting_.empty()) return false;
    // With other nodes a block kept ahead is work that they cannot have: ask when an executor idles with
    // nothing to claim, or when what is left, tasks at work included, lasts no longer than the answer takes.
    double left_tasks = 0;
    for (int i = 0; i < slot_count; ++i) {
        auto const& slot = node_.slot(i);
        if (slot.state.load(std::memory_order_relaxed) != SlotState::posted) continue;
        auto const units = slot.units.load(std::memory_order_relaxed);
        auto const next = std::min(slot.next.load(std::memory_order_relaxed), units);
        left_tasks +=
            static_cast<double>(slot.count) * static_cast<double>(units - next) / static_cast<double>(units);
    }
    double tasks = 0, seconds = 0;
    for (int i = 0; i < node_.header().executors; ++i) {
        auto const& cell = node_.cell(i);
        if (cell.phase.load(std::memory_order_acquire) == Phase::idle) {
            if (left_tasks == 0) return true;
            continue;
        }
        left_tasks += static_cast<double>(cell.last.load(std::memory_order_relaxed) -
                                          std::min(cell.current.load(std::memory_order_relaxed),
                                                   cell.last.load(std::memory_order_relaxed)));
        tasks += static_cast<double>(cell.batch_tasks.load(std::memory_order_relaxed));
        seconds += static_cast<double>(cell.batch_ns.load(std::memory_order_relaxed)) * 1e-9;
    }
    return tasks > 0 && left_tasks * seconds / tasks < answer_seconds * node_.header().executors;
}

void Leader::request_blocks() {
    while (wants_block()) {
        ++requested_;
        send_(wire::RequestBlock{.node = place_.node});
    }
}

void Leader::plan(BlockSlot& slot, int index, wire::OpenBatch const& spec) {
    auto const executors = node_.header().executors;
    auto const plan = sched::plan_chunks(static_cast<sched::Technique>(spec.schedule), slot.count, executors,
                                         spec.chunk_size, table_size);
    slot.units = slot.count;
    slot.chunk = plan.uniform;
    slot.mode = plan.uniform != 0 ? ChunkMode::uniform : ChunkMode::measured;
    if (!plan.bounds.empty()) {
        slot.mode = ChunkMode::table;
        slot.units = plan.bounds.size() - 1;
        std::copy(plan.bounds.begin(), plan.bounds.end(), node_.table(index));
    }
}

bool Leader::place(wire::AssignBlock& assignment) {
    int index = 0;
    while (index < slot_count && node_.slot(index).state.load(std::memory_order_relaxed) != SlotState::free)
        ++index;
    if (index == slot_count) return false;
    auto const& batch = batches_.at(assignment.batch);
    auto const& spec = batch.spec;
    auto const count = assignment.tasks.count();
    bool const direct = spec.direct && place_.is_rank_zero;
    auto& slot = node_.slot(index);
    slot.first = assignment.tasks.first;
    slot.count = count;
    plan(slot, index, spec);

    auto const rows = !spec.timing                    ? 0
                      : slot.mode == ChunkMode::table ? slot.units.load()
                      : slot.mode == ChunkMode::uniform
                          ? (count + slot.chunk - 1) / slot.chunk
                          : std::min(count, timing_rows_per_executor *
                                                static_cast<std::uint64_t>(node_.header().executors));
    auto const status_bytes = round_up(count, 64);
    auto const items_bytes = round_up(assignment.payload.bytes.size(), 64);
    auto const timing_bytes = round_up(rows * sizeof(wire::Timing), 64);
    auto const results_bytes = direct ? 0 : count * spec.stride;
    auto const total = status_bytes + items_bytes + timing_bytes + results_bytes;
    auto segment = segments_.allocate(total);
    if (!segment) return false;  // rank 0 has not taken earlier results yet: executors wait

    auto offset = *segment;
    slot.status_offset = offset;
    std::memset(node_.base() + offset, 0, count);
    offset += status_bytes;
    slot.items_offset = 0;
    slot.item_stride = spec.item_stride;
    if (spec.varying_items || spec.item_stride != 0) {
        slot.items_offset = offset;
        std::memcpy(node_.base() + offset, assignment.payload.bytes.data(), assignment.payload.bytes.size());
    }
    offset += items_bytes;
    slot.timing_offset = offset;
    slot.timing_capacity = rows;
    slot.timing_used.store(0, std::memory_order_relaxed);
    offset += timing_bytes;
    slot.stride = spec.stride;
    slot.results_offset = direct ? spec.direct_offset + slot.first * spec.stride : offset;
    slot.batch = assignment.batch;
    slot.function = spec.function;
    slot.function_offset = *batch.function;
    slot.function_bytes = spec.payload.bytes.size();
    slot.sequence = next_sequence_++;
    slot.refill_mark = slot.units - slot.units / 4;
    slot.next.store(0, std::memory_order_relaxed);

    blocks_[static_cast<std::size_t>(index)] = Block{.id = assignment.block,
                                                     .batch = assignment.batch,
                                                     .segment = std::move(segment),
                                                     .function = batch.function,
                                                     .failures = {},
                                                     .varying = {},
                                                     .sent = {},
                                                     .posted_ns = base::now_ns(),
                                                     .last_sent_ns = base::now_ns()};
    slot.state.store(SlotState::posted, std::memory_order_seq_cst);
    auto& work = node_.header().work;
    work.fetch_add(1, std::memory_order_release);
    base::futex_wake_all(work);
    return true;
}

std::optional<int> Leader::slot_of(std::uint64_t sequence) const {
    for (int i = 0; i < slot_count; ++i)
        if (node_.slot(i).state.load(std::memory_order_relaxed) == SlotState::posted &&
            node_.slot(i).sequence == sequence)
            return i;
    return std::nullopt;
}

void Leader::harvest() {
    auto const& header = node_.header();
    for (int i = 0; i < header.executors; ++i) {
        auto& cell = node_.cell(i);
        while (auto const front = ring_front(cell, node_.ring(i), header.ring_bytes)) {
            auto const index = slot_of(front->record.sequence);
            if (index) {
                auto& block = blocks_[static_cast<std::size_t>(*index)];
                if (front->record.kind == RingRecord::Kind::error) {
                    block.all_done = false;
                    block.failures.push_back(
                        {.task = front->record.task,
                         .rank = cell.rank,
                         .attempt = 1,
                         .cause = FailureCause::exception,
                         .message = {reinterpret_cast<char const*>(front->content.data()),
                                     front->content.size()}});
                } else {
                    block.varying.push_back(
                        {front->record.task, Bytes(front->content.begin(), front->content.end())});
                    block.varying_bytes += front->content.size();
                    if (block.varying_bytes > varying_flush_bytes) block.flush_now = true;
                }
            }
            ring_pop(cell, *front);
        }
        if (cell.waits_for_space.load(std::memory_order_relaxed) != 0)
            if (auto const slot = cell.slot.load(std::memory_order_relaxed); slot != 0)
                blocks_[slot - 1].flush_now = true;
    }
}

void Leader::tick() {
    // What is on its way to rank 0 or waits there for the disk has a limit: beyond it rings fill, and
    // executors wait.
    bool const full = on_the_way_->bytes.load(std::memory_order_acquire) > uncommitted_limit(node_.bytes());
    if (!full) harvest();
    recover();
    auto const now = base::now_ns();
    for (int i = 0; i < slot_count; ++i) {
        auto& slot = node_.slot(i);
        auto const state = slot.state.load(std::memory_order_relaxed);
        auto& block = blocks_[static_cast<std::size_t>(i)];
        if (state == SlotState::posted) {
            bool const recovering = std::any_of(recoveries_.begin(), recoveries_.end(), [&](auto const& r) {
                return node_.cell(r.cell).slot.load(std::memory_order_relaxed) ==
                       static_cast<std::uint32_t>(i) + 1;
            });
            if (full) {
                // Nothing more is sent for now.
            } else if (!recovering && exhausted_and_idle(i)) {
                collect(i, true);
                slot.state.store(SlotState::closed, std::memory_order_seq_cst);
            } else if (block.flush_now || now - block.last_sent_ns > partial_after_ns) {
                collect(i, false);
            }
        }
        if (slot.state.load(std::memory_order_relaxed) == SlotState::closed) {
            bool used = false;
            for (int c = 0; c < node_.header().executors; ++c)
                used = used || node_.cell(c).slot.load(std::memory_order_seq_cst) ==
                                   static_cast<std::uint32_t>(i) + 1;
            if (!used) {
                block = Block{};
                slot.state.store(SlotState::free, std::memory_order_release);
            }
        }
    }
    while (!waiting_.empty() && place(waiting_.front())) waiting_.pop_front();
    request_blocks();
}

}  // namespace plenum::pool
