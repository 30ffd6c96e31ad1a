#include "pool/leader.hpp"

#include <algorithm>
#include <cstring>
#include <plenum/detail/chunk_call.hpp>
#include <plenum/error.hpp>
#include <set>

#include "base/clock.hpp"
#include "base/futex.hpp"
#include "io/direct_writer.hpp"
#include "sched/chunks.hpp"

namespace plenum::pool {
namespace {

using detail::TaskStatus;

constexpr int blocks_ahead_alone = 2;                    // on a single node: the one at work and the next
constexpr double answer_seconds = 2e-3;                  // from asking for a block to having it
constexpr std::uint64_t partial_after_ns = 200'000'000;  // final tasks of an unfinished block wait this long
constexpr std::uint64_t varying_flush_bytes = 8 << 20;   // results of varying length are sent from here on
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
      blocks_(static_cast<std::size_t>(node.header().slot_count)),
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
    auto const executors = static_cast<std::uint64_t>(node_.header().executors);
    auto const permits = batch.running_per_node < executors ? batch.running_per_node : 0;
    auto const id = batch.batch;
    auto const last_end = batch.ns_left == 0 ? 0 : base::now_ns() + batch.ns_left;
    batches_.insert_or_assign(
        id, Batch{.spec = std::move(batch), .function = {}, .permits = permits, .last_end_ns = last_end});
}

void Leader::close(wire::CloseBatch batch) {
    batches_.erase(batch.batch);
    asked_for_.erase(batch.batch);
}

void Leader::cancel(wire::CancelBatch batch) {
    for (auto const& assignment : waiting_)
        if (assignment.batch == batch.batch) {
            wire::BlockResults results;
            results.node = place_.node;
            results.batch = assignment.batch;
            results.block = assignment.block;
            results.returned = {assignment.tasks};
            send_(std::move(results));
        }
    std::erase_if(waiting_, [&](auto const& assignment) { return assignment.batch == batch.batch; });
    for (int i = 0; i < node_.header().slot_count; ++i) {
        auto& slot = node_.slot(i);
        if (slot.state.load(std::memory_order_relaxed) != SlotState::posted || slot.batch != batch.batch)
            continue;
        blocks_[static_cast<std::size_t>(i)].all_done = false;
        slot.cut.store(1, std::memory_order_relaxed);  // who is in the midst of a chunk gives the rest back
        // Whoever claims from now on finds nothing left.
        auto const unit = slot.next.exchange(slot.units, std::memory_order_acq_rel);
        if (unit >= slot.units) continue;
        auto const first = slot.first + (slot.mode == ChunkMode::table ? node_.table(i)[unit] : unit);
        mark(slot, first, slot.first + slot.count, detail::TaskStatus::returned);
    }
}

void Leader::abandon() {
    node_.header().abandon.store(1, std::memory_order_release);
    for (int i = 0; i < node_.header().executors; ++i) ringer_.ring(node_.cell(i).parent_bell);
}

/// The function object of a batch in node memory, and its permits; false: there is no room now.
bool Leader::place_function(Batch& batch) {
    if (batch.function) return true;
    auto const bytes = batch.spec.payload.bytes;
    auto const function_bytes = round_up(bytes.size(), 64);
    auto const permit_bytes = batch.permits * sizeof(Permit);
    batch.function = segments_.allocate(std::max<std::uint64_t>(function_bytes + permit_bytes, 1));
    if (!batch.function) return false;
    if (!bytes.empty()) std::memcpy(node_.base() + *batch.function, bytes.data(), bytes.size());
    batch.permits_offset = *batch.function + function_bytes;
    std::memset(node_.base() + batch.permits_offset, 0, permit_bytes);
    return true;
}

void Leader::assign(wire::AssignBlock block) {
    auto const& spec = batches_.at(block.batch).spec;
    if (block.asked_for)
        asked_for_.erase(block.batch);
    else if (!spec.prompt && !spec.on_each)
        --requested_;  // those come unasked
    waiting_.push_back(std::move(block));
}

bool Leader::busy() const noexcept {
    if (!waiting_.empty() || !recoveries_.empty()) return true;
    for (int i = 0; i < node_.header().slot_count; ++i)
        if (node_.slot(i).state.load(std::memory_order_relaxed) != SlotState::free) return true;
    return false;
}

int Leader::open_blocks() const {
    // Prompt blocks come unasked, and do not keep others away; nor do those whose tasks wait for permits.
    auto open = static_cast<int>(std::count_if(waiting_.begin(), waiting_.end(), [&](auto const& assignment) {
        return !batches_.at(assignment.batch).spec.prompt;
    }));
    for (int i = 0; i < node_.header().slot_count; ++i) {
        auto const& slot = node_.slot(i);
        if (slot.state.load(std::memory_order_relaxed) == SlotState::posted && slot.prompt == 0 &&
            slot.permits == 0 && slot.next.load(std::memory_order_relaxed) < slot.units)
            ++open;
    }
    return open;
}

std::set<std::uint32_t> Leader::lacking_batches() const {
    std::set<std::uint32_t> lacking;
    for (auto const& [id, batch] : batches_)
        if (!batch.spec.prompt && !batch.spec.on_each) lacking.insert(id);
    if (lacking.size() < 2) return {};
    for (auto const& assignment : waiting_) lacking.erase(assignment.batch);
    for (int i = 0; i < node_.header().slot_count; ++i) {
        auto const& slot = node_.slot(i);
        if (slot.state.load(std::memory_order_relaxed) == SlotState::posted &&
            slot.next.load(std::memory_order_relaxed) < slot.units)
            lacking.erase(slot.batch);
    }
    return lacking;
}

bool Leader::wants_block() const {
    if (place_.nodes == 1) return open_blocks() + requested_ < blocks_ahead_alone;
    if (requested_ > 0 || !waiting_.empty()) return false;
    // With other nodes a block kept ahead is work that they cannot have: ask when an executor idles with
    // nothing to claim, or when what is left, tasks at work included, lasts no longer than the answer takes.
    double left_tasks = 0;
    for (int i = 0; i < node_.header().slot_count; ++i) {
        auto const& slot = node_.slot(i);
        if (slot.state.load(std::memory_order_relaxed) != SlotState::posted || slot.permits != 0) continue;
        auto const next = std::min(slot.next.load(std::memory_order_relaxed), slot.units);
        left_tasks += static_cast<double>(slot.count) * static_cast<double>(slot.units - next) /
                      static_cast<double>(slot.units);
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
    for (auto const batch : lacking_batches())
        if (asked_for_.insert(batch).second)
            send_(wire::RequestBlock{.node = place_.node, .any = false, .batch = batch});
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
    if (plan.weighted_least != 0) {
        slot.mode = ChunkMode::weighted;
        slot.chunk = plan.weighted_least;
    }
    // A chunk of a table cannot end where the life of an executor does.
    if (!plan.bounds.empty() && spec.tasks_per_executor == 0) {
        slot.mode = ChunkMode::table;
        slot.units = plan.bounds.size() - 1;
        std::copy(plan.bounds.begin(), plan.bounds.end(), node_.table(index));
    }
    if (spec.on_each) slot.mode = ChunkMode::each;
}

bool Leader::place(wire::AssignBlock& assignment) {
    int index = 0;
    while (index < node_.header().slot_count &&
           node_.slot(index).state.load(std::memory_order_relaxed) != SlotState::free)
        ++index;
    if (index == node_.header().slot_count) return false;
    auto& batch = batches_.at(assignment.batch);
    if (!place_function(batch)) return false;
    auto const& spec = batch.spec;
    auto const count = assignment.tasks.count();
    bool const direct = spec.direct && place_.is_rank_zero;
    auto& slot = node_.slot(index);
    slot.first = assignment.tasks.first;
    slot.count = count;
    slot.life = spec.on_each ? 0 : spec.tasks_per_executor;
    plan(slot, index, spec);

    // Each life that ends cuts a chunk in two.
    auto const chunks_cut =
        slot.life == 0 ? 0 : count / slot.life + static_cast<std::uint64_t>(node_.header().executors);
    auto const rows = !spec.timing                    ? 0
                      : slot.mode == ChunkMode::table ? slot.units
                      : slot.mode == ChunkMode::uniform
                          ? (count + slot.chunk - 1) / slot.chunk + chunks_cut
                          : std::min(count, timing_rows_per_executor *
                                                static_cast<std::uint64_t>(node_.header().executors));
    auto const status_bytes = round_up(count, 64);
    auto const items_bytes = round_up(assignment.payload.bytes.size(), 64);
    auto const timing_bytes = round_up(rows * sizeof(wire::Timing), 64);
    auto const results_bytes = direct ? 0 : count * spec.stride;
    // Large results for the file lie in memory as in the file, relative to a page: the disk can take them
    // from here.
    bool const paged = spec.timing && results_bytes >= io::direct_least;
    auto const total =
        status_bytes + items_bytes + timing_bytes + (paged ? io::direct_unit : 0) + results_bytes;
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
    if (paged) offset += (slot.first * spec.stride - offset) % io::direct_unit;
    slot.stride = spec.stride;
    slot.packing = spec.packing;
    slot.results_offset = direct ? spec.direct_offset + slot.first * spec.stride : offset;
    slot.batch = assignment.batch;
    slot.priority = spec.priority;
    slot.prompt = spec.prompt ? 1 : 0;
    slot.news.store(0, std::memory_order_relaxed);
    slot.cut.store(0, std::memory_order_relaxed);
    slot.task_timeout_ns = spec.on_each ? 0 : spec.task_timeout_ns;
    slot.last_end_ns = spec.on_each ? 0 : batch.last_end_ns;
    slot.run = spec.run;
    slot.map = spec.map;
    slot.function = spec.function;
    slot.function_offset = *batch.function;
    slot.permits_offset = batch.permits_offset;
    slot.permits = batch.permits;
    slot.function_bytes = spec.payload.bytes.size();
    slot.sequence = next_sequence_++;
    slot.refill_mark = slot.units - slot.units / 4;
    // A block of own tasks has nothing that anybody could claim.
    slot.next.store(slot.mode == ChunkMode::each ? slot.units : 0, std::memory_order_relaxed);

    blocks_[static_cast<std::size_t>(index)] = Block{.id = assignment.block,
                                                     .batch = assignment.batch,
                                                     .segment = std::move(segment),
                                                     .function = batch.function,
                                                     .failures = {},
                                                     .varying = {},
                                                     .sent = {},
                                                     .posted_ns = base::now_ns(),
                                                     .last_sent_ns = base::now_ns(),
                                                     .in_place = direct};
    slot.state.store(SlotState::posted, std::memory_order_seq_cst);
    auto& work = node_.header().work;
    work.fetch_add(1, std::memory_order_release);
    base::futex_wake_all(work);
    return true;
}

void Leader::announce() {
    auto top = INT32_MIN;
    std::set<std::uint32_t> batches;
    for (int i = 0; i < node_.header().slot_count; ++i) {
        auto const& slot = node_.slot(i);
        if (slot.state.load(std::memory_order_relaxed) != SlotState::posted ||
            slot.next.load(std::memory_order_relaxed) >= slot.units || slot.priority < top)
            continue;
        if (slot.priority > top) batches.clear();
        top = slot.priority;
        batches.insert(slot.batch);
    }
    auto& header = node_.header();
    header.top_priority.store(top, std::memory_order_relaxed);
    header.top_batches.store(static_cast<std::uint32_t>(batches.size()), std::memory_order_relaxed);
}

std::optional<int> Leader::slot_of(std::uint64_t sequence) const {
    for (int i = 0; i < node_.header().slot_count; ++i)
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
            if (front->record.kind == RingRecord::Kind::exit_begun ||
                front->record.kind == RingRecord::Kind::exit_result) {
                send_(wire::ExitResult{
                    .state = front->record.task,
                    .begun = front->record.kind == RingRecord::Kind::exit_begun,
                    .payload = wire::Payload::of(Bytes(front->content.begin(), front->content.end()))});
            } else if (auto const index = slot_of(front->record.sequence)) {
                auto& block = blocks_[static_cast<std::size_t>(*index)];
                if (front->record.kind == RingRecord::Kind::error) {
                    block.all_done = false;
                    block.failures.push_back(
                        {.task = front->record.task,
                         .rank = cell.rank,
                         .attempt = 1,
                         .cause = front->record.cause,
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
    for (int i = 0; i < node_.header().slot_count; ++i) {
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
            } else if (slot.prompt != 0 && slot.news.exchange(0, std::memory_order_acquire) != 0) {
                collect(i, false);
            } else if (block.flush_now || now - block.last_sent_ns > partial_after_ns) {
                mark_finished(i);
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
    announce();
    request_blocks();
}

}  // namespace plenum::pool
