#include "pool/leader.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <iterator>
#include <plenum/detail/chunk_call.hpp>
#include <plenum/error.hpp>

#include "base/clock.hpp"
#include "base/futex.hpp"
#include "base/memory_limits.hpp"
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

std::string describe_end(ExecutorCell const& cell, FailureCause& cause) {
    cause = FailureCause::crash;
    auto const status = cell.wait_status;
    if (WIFEXITED(status)) return fmt::format("the task called exit({})", WEXITSTATUS(status));
    auto const signal = WTERMSIG(status);
    if (signal == SIGKILL && cell.out_of_memory != 0) {
        cause = FailureCause::out_of_memory;
        return "killed by the kernel (out of memory)";
    }
    auto text = fmt::format("killed by signal {} ({})", signal, ::strsignal(signal));
    switch (cell.fault.load(std::memory_order_acquire)) {
        case FaultNote::shared_array:
            text += ": it wrote into a shared array, which is read-only in tasks";
            break;
        case FaultNote::stack_overflow:
            text += ": stack overflow";
            break;
        case FaultNote::null_pointer:
            text += ": null pointer";
            break;
        case FaultNote::none:
            break;
    }
    return text;
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
                      : slot.mode == ChunkMode::table ? slot.units
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

// ---- recovery of what a dead executor left ----

void Leader::mark(BlockSlot& slot, std::uint64_t first, std::uint64_t last, TaskStatus as) {
    auto* const status = node_.at<std::uint8_t>(slot.status_offset);
    for (auto task = first; task < last; ++task)
        if (auto& s = status[task - slot.first]; s == static_cast<std::uint8_t>(TaskStatus::pending))
            s = static_cast<std::uint8_t>(as);
}

void Leader::charge(BlockSlot& slot, Block& block, ExecutorCell& cell, std::uint64_t task) {
    auto& status = node_.at<std::uint8_t>(slot.status_offset)[task - slot.first];
    if (status != static_cast<std::uint8_t>(TaskStatus::pending)) return;
    bool const stored = std::any_of(block.varying.begin(), block.varying.end(),
                                    [&](Varying const& result) { return result.task == task; });
    status = static_cast<std::uint8_t>(stored ? TaskStatus::done : TaskStatus::failed);
    if (stored) return;
    std::erase_if(block.failures, [&](wire::Failure const& failure) { return failure.task == task; });
    wire::Failure failure{
        .task = task, .rank = cell.rank, .attempt = 1, .cause = FailureCause::crash, .message = {}};
    failure.message = describe_end(cell, failure.cause);
    block.failures.push_back(std::move(failure));
}

void Leader::recover_owned(int cell_index, BlockSlot& slot, Block& block) {
    auto& cell = node_.cell(cell_index);
    auto const first = cell.first.load(std::memory_order_relaxed);
    auto const last = cell.last.load(std::memory_order_relaxed);
    auto const current = std::clamp(cell.current.load(std::memory_order_acquire), first, last);
    mark(slot, first, current, TaskStatus::done);
    if (current < last) charge(slot, block, cell, current);
    mark(slot, current, last, TaskStatus::returned);
}

void Leader::add_finished(ExecutorCell const& cell,
                          std::vector<std::pair<std::uint64_t, std::uint64_t>>& ranges) {
    auto const count =
        std::min<std::uint32_t>(cell.finished_count.load(std::memory_order_acquire), finished_most);
    for (std::uint32_t i = 0; i < count; ++i)
        ranges.emplace_back(cell.finished[i].first.load(std::memory_order_relaxed),
                            cell.finished[i].last.load(std::memory_order_acquire));
}

bool Leader::recover_claim(Recovery& recovery) {
    auto& dead = node_.cell(recovery.cell);
    auto const index = static_cast<int>(dead.slot.load(std::memory_order_relaxed)) - 1;
    auto& slot = node_.slot(index);
    for (int i = 0; i < node_.header().executors; ++i) {
        auto const n = static_cast<std::size_t>(i);
        if (recovery.passed[n] || i == recovery.cell) continue;
        auto& cell = node_.cell(i);
        if (cell.state.load(std::memory_order_acquire) != CellState::running ||
            cell.slot.load(std::memory_order_acquire) != static_cast<std::uint32_t>(index) + 1) {
            // A dead one is recovered on its own; what it owned counts as owned until then.
            if (cell.state.load(std::memory_order_acquire) == CellState::dead &&
                cell.slot.load(std::memory_order_acquire) == static_cast<std::uint32_t>(index) + 1) {
                if (cell.phase.load(std::memory_order_acquire) == Phase::owning)
                    recovery.owned.emplace_back(cell.first.load(), cell.last.load());
                add_finished(cell, recovery.owned);
            }
            recovery.passed[n] = true;
            continue;
        }
        auto const flushes = cell.flushes.load(std::memory_order_acquire);
        auto const claims = cell.claims.load(std::memory_order_acquire);
        auto const phase = cell.phase.load(std::memory_order_acquire);
        auto const first = cell.first.load(std::memory_order_relaxed);
        auto const last = cell.last.load(std::memory_order_relaxed);
        std::vector<std::pair<std::uint64_t, std::uint64_t>> finished;
        add_finished(cell, finished);
        std::atomic_thread_fence(std::memory_order_acquire);
        if (phase == Phase::claiming || cell.claims.load(std::memory_order_relaxed) != claims ||
            cell.flushes.load(std::memory_order_relaxed) != flushes)
            continue;
        // It went on to another slot between the looks: what it owns is not of this block. Next time it has
        // passed.
        if (cell.slot.load(std::memory_order_relaxed) != static_cast<std::uint32_t>(index) + 1) continue;
        if (phase == Phase::owning) recovery.owned.emplace_back(first, last);
        recovery.owned.insert(recovery.owned.end(), finished.begin(), finished.end());
        recovery.passed[n] = true;
    }
    for (int i = 0; i < node_.header().executors; ++i)
        if (i != recovery.cell && !recovery.passed[static_cast<std::size_t>(i)]) return false;
    // Every claim below the counter is now finished, or owned by somebody who is known, or lost.
    auto const unit = std::min(recovery.counter, slot.units);
    auto const end = slot.first + (slot.mode == ChunkMode::table ? node_.table(index)[unit] : unit);
    auto* const status = node_.at<std::uint8_t>(slot.status_offset);
    for (auto task = slot.first; task < end; ++task) {
        auto const owner = std::find_if(recovery.owned.begin(), recovery.owned.end(),
                                        [&](auto const& o) { return task >= o.first && task < o.second; });
        if (owner != recovery.owned.end()) {
            task = owner->second - 1;
            continue;
        }
        if (auto& s = status[task - slot.first]; s == static_cast<std::uint8_t>(TaskStatus::pending))
            s = static_cast<std::uint8_t>(TaskStatus::returned);
    }
    return true;
}

void Leader::release_cell(int cell_index) {
    auto& cell = node_.cell(cell_index);
    cell.phase.store(Phase::idle, std::memory_order_relaxed);
    cell.finished_count.store(0, std::memory_order_relaxed);
    cell.slot.store(0, std::memory_order_relaxed);
    cell.state.store(CellState::vacant, std::memory_order_release);
    ringer_.ring(cell.parent_bell);
}

void Leader::recover() {
    auto const executors = node_.header().executors;
    for (int i = 0; i < executors; ++i) {
        auto& cell = node_.cell(i);
        if (cell.state.load(std::memory_order_acquire) != CellState::dead) continue;
        if (std::any_of(recoveries_.begin(), recoveries_.end(), [&](auto const& r) { return r.cell == i; }))
            continue;
        auto const claimed = cell.slot.load(std::memory_order_relaxed);
        if (claimed == 0 || cell.phase.load(std::memory_order_relaxed) == Phase::idle ||
            node_.slot(static_cast<int>(claimed) - 1).state.load() != SlotState::posted) {
            release_cell(i);
            continue;
        }
        auto& slot = node_.slot(static_cast<int>(claimed) - 1);
        auto& block = blocks_[claimed - 1];
        block.all_done = false;
        auto const finished = cell.finished_count.load(std::memory_order_acquire);
        for (std::uint32_t f = 0; f < finished; ++f)
            mark(slot, cell.finished[f].first.load(), cell.finished[f].last.load(), TaskStatus::done);
        if (cell.phase.load(std::memory_order_relaxed) == Phase::owning) {
            harvest();  // its last words, or its current task would be charged although the result is here
            recover_owned(i, slot, block);
            release_cell(i);
        } else {
            recoveries_.push_back({.cell = i,
                                   .counter = slot.next.load(std::memory_order_seq_cst),
                                   .passed = std::vector<bool>(static_cast<std::size_t>(executors)),
                                   .owned = {}});
        }
    }
    std::erase_if(recoveries_, [this](Recovery& recovery) {
        if (!recover_claim(recovery)) return false;
        release_cell(recovery.cell);
        return true;
    });
}

// ---- sending what is final ----

bool Leader::exhausted_and_idle(int index) const {
    auto const& slot = node_.slot(index);
    if (slot.next.load(std::memory_order_acquire) < slot.units) return false;
    for (int i = 0; i < node_.header().executors; ++i) {
        auto const& cell = node_.cell(i);
        if (cell.slot.load(std::memory_order_acquire) == static_cast<std::uint32_t>(index) + 1 &&
            cell.phase.load(std::memory_order_acquire) != Phase::idle)
            return false;
    }
    return true;
}

double Leader::mean_task_seconds(std::uint32_t batch) const {
    std::uint64_t tasks = 0, ns = 0;
    for (int i = 0; i < node_.header().executors; ++i) {
        auto const& cell = node_.cell(i);
        if (cell.batch.load(std::memory_order_acquire) != batch) continue;
        tasks += cell.batch_tasks.load(std::memory_order_relaxed);
        ns += cell.batch_ns.load(std::memory_order_relaxed);
    }
    return tasks == 0 ? 0 : static_cast<double>(ns) * 1e-9 / static_cast<double>(tasks);
}

void Leader::send_run(BlockSlot& slot, Block& block, wire::BlockResults&& results) {
    results.node = place_.node;
    results.batch = block.batch;
    results.block = block.id;
    results.mean_task_seconds = mean_task_seconds(block.batch);
    std::uint64_t count = 0;
    for (auto const& run : results.runs) count += run.count();
    bool const in_place = batches_.at(block.batch).spec.direct && place_.is_rank_zero;
    if (slot.stride != 0 && count > 0 && !in_place) {
        auto const& run = results.runs.front();  // one run: consecutive slots are sent as they lie
        results.payload = {block.segment,
                           {node_.base() + slot.results_offset + (run.first - slot.first) * slot.stride,
                            run.count() * slot.stride}};
    }
    send_(std::move(results));
}

void Leader::collect(int index, bool complete) {
    auto& slot = node_.slot(index);
    auto& block = blocks_[static_cast<std::size_t>(index)];
    auto const* const status = node_.at<std::uint8_t>(slot.status_offset);
    block.last_sent_ns = base::now_ns();
    block.flush_now = false;

    std::vector<wire::TaskRange> runs, returned;
    auto const extend = [](std::vector<wire::TaskRange>& ranges, std::uint64_t task) {
        if (!ranges.empty() && ranges.back().last == task)
            ++ranges.back().last;
        else
            ranges.push_back({task, task + 1});
    };
    if (complete && block.all_done && block.sent.empty()) {
        runs.push_back({slot.first, slot.first + slot.count});
    } else {
        if (block.sent.empty()) block.sent.resize(slot.count);
        // The last task waits for the end of the block, whose message carries the times: a batch is never
        // complete before all of its messages have been sent.
        auto const end = complete ? slot.count : slot.count - 1;
        for (std::uint64_t i = 0; i < end; ++i) {
            auto const s =
                static_cast<TaskStatus>(std::atomic_ref(const_cast<std::uint8_t&>(status[i])).load());
            if (s == TaskStatus::pending || block.sent[i]) continue;
            block.sent[i] = true;
            extend(s == TaskStatus::returned ? returned : runs, slot.first + i);
        }
    }
    if (runs.empty() && returned.empty() && !complete) return;
    harvest();  // a final task has its records in the ring already

    wire::BlockResults last;
    last.returned = std::move(returned);
    auto const in_runs = [&](std::uint64_t task) {
        return std::any_of(runs.begin(), runs.end(),
                           [&](auto const& r) { return task >= r.first && task < r.last; });
    };
    for (auto& failure : block.failures)
        if (in_runs(failure.task)) last.failures.push_back(failure);
    std::erase_if(block.failures, [&](auto const& failure) { return in_runs(failure.task); });
    if (complete && slot.timing_capacity > 0) {
        auto const* const rows = node_.at<wire::Timing>(slot.timing_offset);
        auto const used = std::min(slot.timing_used.load(std::memory_order_acquire), slot.timing_capacity);
        // A row that its executor claimed but did not live to write holds what the memory held before: it is
        // not of this block, or older than the block.
        auto const seconds = [&](std::uint64_t ns) {
            return static_cast<double>(ns - node_.header().run_start_ns) * 1e-9;
        };
        auto const posted = seconds(block.posted_ns), now = seconds(base::now_ns());
        std::copy_if(rows, rows + used, std::back_inserter(last.timing), [&](wire::Timing const& row) {
            return row.start >= posted && row.start <= now && row.first >= slot.first && row.count > 0 &&
                   row.count <= slot.count && row.first - slot.first <= slot.count - row.count;
        });
    }
    if (slot.stride == 0) {
        std::sort(block.varying.begin(), block.varying.end(),
                  [](Varying const& a, Varying const& b) { return a.task < b.task; });
        Bytes values;
        values.reserve(block.varying_bytes);
        auto next = block.varying.begin();
        std::vector<Varying> kept;
        for (auto const& run : runs)
            for (auto task = run.first; task < run.last; ++task) {
                while (next != block.varying.end() && next->task < task) kept.push_back(std::move(*next++));
                bool const here = next != block.varying.end() && next->task == task &&
                                  status[task - slot.first] == static_cast<std::uint8_t>(TaskStatus::done);
                last.lengths.push_back(here ? next->bytes.size() : 0);
                if (here) values.insert(values.end(), next->bytes.begin(), next->bytes.end());
                while (next != block.varying.end() && next->task == task) ++next;
            }
        while (next != block.varying.end()) kept.push_back(std::move(*next++));
        block.varying = std::move(kept);
        block.varying_bytes = 0;
        for (auto const& result : block.varying) block.varying_bytes += result.bytes.size();
        last.payload = wire::Payload::of(std::move(values));
        last.payload.credit = on_the_way(last.payload.bytes.size());
        last.runs = std::move(runs);
    } else {
        while (runs.size() > 1) {
            wire::BlockResults one;
            one.runs = {runs.back()};
            // A failure travels with its run: rank 0 counts what is done from one message alone.
            auto const of_others =
                std::stable_partition(last.failures.begin(), last.failures.end(), [&](auto const& failure) {
                    return failure.task < runs.back().first || failure.task >= runs.back().last;
                });
            one.failures.assign(std::make_move_iterator(of_others),
                                std::make_move_iterator(last.failures.end()));
            last.failures.erase(of_others, last.failures.end());
            runs.pop_back();
            send_run(slot, block, std::move(one));
        }
        last.runs = std::move(runs);
    }
    send_run(slot, block, std::move(last));
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
