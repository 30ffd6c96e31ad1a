#include "pool/executor.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <tuple>
#include <utility>

#include "base/clock.hpp"
#include "base/futex.hpp"
#include "base/task_place.hpp"
#include "pool/executor_port.hpp"
#include "pool/result_ring.hpp"
#include "pool/task_times.hpp"
#include "sched/chunks.hpp"
#include "wire/messages.hpp"
#include "wire/task_registry.hpp"

namespace plenum::pool {
namespace {

/// Tasks at least this long are looked after one by one; for shorter ones the checks would cost too much.
constexpr double careful_task_ns = 20'000;
constexpr std::uint64_t output_check_ns = 20'000;
constexpr std::uint64_t rss_check_ns = 1'000'000;
constexpr std::uint64_t flush_after_ns = 1'000'000;       // how long the status of a finished chunk may wait
constexpr std::uint64_t prompt_flush_after_ns = 200'000;  // where somebody waits for each result
constexpr std::uint64_t turn_ns = 5'000'000;    // of a batch, when others of its priority have tasks too
constexpr std::uint32_t chunks_per_clock = 16;  // short chunks that share a reading of the clock
constexpr double short_chunks_ns = 5'000;       // and how long they may take together

/// After the result: the leader sends what is final while other tasks of the block still run.
void set_status(std::uint8_t& status, detail::TaskStatus value) {
    std::atomic_ref(status).store(static_cast<std::uint8_t>(value), std::memory_order_release);
}

/// Waits awake for a little longer than it takes to answer a call and to make the next: falling asleep and
/// waking up again takes longer. Others that want the core get it.
bool comes_soon(std::atomic<std::uint32_t> const& word, std::uint32_t seen) {
    constexpr std::uint64_t awake_ns = 100'000;
    for (auto const end = base::now_ns() + awake_ns; base::now_ns() < end; ::sched_yield())
        if (word.load(std::memory_order_acquire) != seen) return true;
    return false;
}

}  // namespace

Executor::Executor(NodeView node, int index, OutputPipes pipes, ExecutorPort* actors)
    : node_(node),
      index_(index),
      cell_(node.cell(index)),
      actors_(actors),
      states_({.rank = cell_.rank,
               .node = node.header().number,
               .executor = node.header().first_executor + index,
               .host = node.header().host.data()}) {
    if (pipes.out >= 0) marker_.emplace(pipes, cell_.output_taken);
}

Executor::End Executor::run() {
    struct CountCacheUse {  // the cell goes with node memory; a thread of the rank may outlive it
        explicit CountCacheUse(detail::CacheUse& use) { detail::count_cache_use_in(&use); }
        ~CountCacheUse() { detail::count_cache_use_in(nullptr); }
    } const counted(cell_.cache_use);
    auto const end = serve();
    if (end == End::life_over) leave_states();
    leave();
    if (end == End::life_over) cell_.has_left.store(1, std::memory_order_release);
    return end;
}

void Executor::leave() {
    std::cout.flush();
    std::fflush(stdout);
}

Executor::End Executor::serve() {
    base::mark_task_thread();
    auto& header = node_.header();
    detail::set_this_worker(&states_);
    for (;;) {
        auto const seen = header.work.load(std::memory_order_acquire);
        if (header.stop.load(std::memory_order_acquire) != 0) return End::stopped;
        bool const entered = work();
        // It may have been the last that its leader waits for, also without a task of its own.
        if (entered) ringer_.ring(header.leader_bell);
        if (life_over_) return End::life_over;
        if (entered) continue;
        if (!comes_soon(header.work, seen)) base::futex_wait(header.work, seen, 1'000'000'000u);
        clock_ = base::now_ns();
    }
}

bool Executor::work() {
    bool entered = false;
    for (int slot = next_open_slot(); slot >= 0 && !life_over_; slot = next_open_slot()) {
        run_slot(slot);
        entered = true;
    }
    return entered;
}

int Executor::next_open_slot() {
    // Highest priority first; then the batch that follows the one at work, so that each gets its turn; of a
    // batch, the oldest block.
    using Rank = std::tuple<std::int32_t, bool, std::uint32_t, std::uint64_t>;
    int best = -1;
    Rank best_rank;
    for (int i = 0, n = node_.header().slot_count; i < n; ++i) {
        auto const& slot = node_.slot(i);
        if (slot.state.load(std::memory_order_acquire) != SlotState::posted) continue;
        // It is not used for another block while the announcement stands. One that dies here owns nothing.
        cell_.slot.store(static_cast<std::uint32_t>(i) + 1, std::memory_order_seq_cst);
        if (slot.state.load(std::memory_order_seq_cst) != SlotState::posted || !has_task_here(slot)) continue;
        Rank const rank{-slot.priority, slot.batch <= batch_, slot.batch, slot.sequence};
        if (best >= 0 && !(rank < best_rank)) continue;
        if (!has_free_permit(slot)) continue;
        best = i;
        best_rank = rank;
    }
    cell_.slot.store(0, std::memory_order_release);
    return best;
}

bool Executor::has_free_permit(BlockSlot const& slot) const {
    return slot.permits == 0 || std::ranges::any_of(node_.permits(slot), [](Permit const& permit) {
               return permit.load(std::memory_order_acquire) == 0;
           });
}

bool Executor::take_permit(BlockSlot const& slot) {
    if (slot.permits == 0) return true;
    for (auto& permit : node_.permits(slot)) {
        std::uint32_t free = 0;
        if (!permit.compare_exchange_strong(free, static_cast<std::uint32_t>(index_) + 1)) continue;
        permit_ = &permit;
        return true;
    }
    return false;
}

void Executor::give_permit_back() {
    if (permit_ == nullptr) return;
    std::exchange(permit_, nullptr)->store(0, std::memory_order_release);
    // Who found none sleeps, perhaps with work of this batch before it.
    auto& work = node_.header().work;
    work.fetch_add(1, std::memory_order_release);
    base::futex_wake_all(work);
}

bool Executor::is_too_late(BlockSlot const& slot, std::uint64_t now) const {
    if (slot.last_end_ns == 0 || cell_.batch.load(std::memory_order_relaxed) != slot.batch) return false;
    TaskTimes times;
    times.add(cell_);
    // Far from the end that is all it takes.
    if (times.tasks == 0 || now + times.longest_ns < slot.last_end_ns) return false;
    return static_cast<double>(now) + times.likely_most() * 1e9 > static_cast<double>(slot.last_end_ns);
}

bool Executor::has_task_here(BlockSlot const& slot) const {
    if (slot.mode == ChunkMode::each) return own_unit(slot) < slot.units;
    return slot.next.load(std::memory_order_relaxed) < slot.units &&
           (slot.last_end_ns == 0 || !is_too_late(slot, base::now_ns()));
}

std::uint64_t Executor::own_unit(BlockSlot const& slot) const {
    // Nobody else runs this task: an executor that died before it owned the task has left it pending.
    auto const status = node_.at<std::uint8_t>(slot.status_offset)[index_];
    if (status != static_cast<std::uint8_t>(detail::TaskStatus::pending)) return slot.units;
    return static_cast<std::uint64_t>(index_);
}

std::uint64_t Executor::step_of(BlockSlot const& slot) const {
    if (slot.mode == ChunkMode::table) return 1;
    auto const most = slot.life == 0 ? slot.count : slot.life - lived_;
    if (slot.mode == ChunkMode::uniform) return std::min(slot.chunk, most);
    auto const left = slot.count - std::min(slot.next.load(std::memory_order_relaxed), slot.count);
    auto const executors = node_.header().executors;
    if (slot.mode == ChunkMode::weighted)
        return std::min(most, sched::awf_chunk(left, executors, weight_in(slot.batch), slot.chunk));
    auto const mean = mean_ns_ > 0 ? std::max<std::uint64_t>(1, static_cast<std::uint64_t>(mean_ns_)) : 0;
    return std::min(most, sched::auto_chunk(mean, left, executors));
}

double Executor::weight_in(std::uint32_t batch) const {
    // Tasks and time of another executor may be one chunk apart; a weight need not be exact.
    double own = 0, sum = 0;
    int measured = 0;
    for (int i = 0; i < node_.header().executors; ++i) {
        auto const& cell = node_.cell(i);
        if (cell.batch.load(std::memory_order_acquire) != batch) continue;
        auto const tasks = static_cast<double>(cell.batch_tasks.load(std::memory_order_relaxed));
        auto const ns = static_cast<double>(cell.batch_ns.load(std::memory_order_relaxed));
        if (tasks == 0 || ns == 0) continue;
        if (i == index_) own = tasks / ns;
        sum += tasks / ns;
        ++measured;
    }
    return sched::awf_weight(own, sum, measured);
}

Executor::ChunkRange Executor::chunk_of(BlockSlot const& slot, std::uint64_t const* table, std::uint64_t unit,
                                        std::uint64_t step) {
    if (slot.mode == ChunkMode::table) return {slot.first + table[unit], slot.first + table[unit + 1]};
    return {slot.first + unit, slot.first + std::min(unit + step, slot.count)};
}

void Executor::run_slot(int index) {
    auto& slot = node_.slot(index);
    // The claim to be here comes before the look at the state: a leader that has closed the slot either sees
    // the claim and waits, or this look sees that the slot is closed.
    cell_.slot.store(static_cast<std::uint32_t>(index) + 1, std::memory_order_seq_cst);
    cell_.phase.store(Phase::claiming, std::memory_order_seq_cst);
    bool worked = false;
    if (slot.state.load(std::memory_order_seq_cst) == SlotState::posted && take_permit(slot)) {
        if (batch_ != slot.batch || function_ == nullptr) {
            batch_ = slot.batch;
            object_.reset();
            function_ = wire::find_task(slot.function);
            mean_ns_ = 0;
            prints_ = false;
            cell_.batch_tasks.store(0, std::memory_order_relaxed);
            cell_.batch_ns.store(0, std::memory_order_relaxed);
            cell_.batch_squares.store(0, std::memory_order_relaxed);
            cell_.batch_longest_ns.store(0, std::memory_order_relaxed);
            cell_.batch.store(batch_, std::memory_order_release);
        }
        sequence_ = slot.sequence;
        slot_ = &slot;
        auto const* const table = node_.table(index);
        detail::ChunkCall call;
        call.block_first = slot.first;
        call.function = {node_.at<std::byte>(slot.function_offset), slot.function_bytes};
        call.object = &object_;
        call.status = node_.at<std::uint8_t>(slot.status_offset);
        call.stride = call.slots_apart = slot.stride;
        if (slot.stride != 0) call.results = node_.at<std::byte>(slot.results_offset);
        if (slot.packing.level != 0) {
            call.stride = slot.packing.result_bytes;
        } else {  // it counts as memory of the tasks that follow
            slot_memory_ = {};
            packer_ = {};
        }
        if (slot.items_offset != 0) {
            call.items = node_.at<std::byte>(slot.items_offset);
            call.item_stride = slot.item_stride;
            if (slot.item_stride == 0) {
                call.item_offsets = node_.at<std::uint64_t>(slot.items_offset);
                call.items += item_table_bytes(slot.count);
            }
        }
        call.current = &cell_.current;
        call.executor = this;
        call.fail = &Executor::fail;
        call.store = &Executor::store;
        call.task_ended = &Executor::task_ended;
        auto const begun = clock_ = base::now_ns();
        auto& header = node_.header();
        auto const life_is_over = [&] { return slot.life != 0 && lived_ >= slot.life; };
        while (!life_is_over()) {
            if (is_too_late(slot, clock_)) break;
            bool const each = slot.mode == ChunkMode::each;
            auto const step = each ? 1 : step_of(slot);
            cell_.claims.store(cell_.claims.load(std::memory_order_relaxed) + 1, std::memory_order_release);
            auto const unit = each ? own_unit(slot) : slot.next.fetch_add(step, std::memory_order_acq_rel);
            if (unit >= slot.units) break;
            auto const chunk = chunk_of(slot, table, unit, step);
            cell_.first.store(chunk.first, std::memory_order_relaxed);
            cell_.last.store(chunk.last, std::memory_order_relaxed);
            cell_.current.store(chunk.first, std::memory_order_relaxed);
            cell_.phase.store(Phase::owning, std::memory_order_release);
            if (unit < slot.refill_mark && unit + step >= slot.refill_mark) ringer_.ring(header.leader_bell);
            run_chunk(slot, call, chunk);
            worked = true;
            if (!each) lived_ += chunk.last - chunk.first;
            cell_.phase.store(Phase::claiming, std::memory_order_release);
            if (each || header.stop.load(std::memory_order_relaxed) != 0) break;
            if (slot.priority < header.top_priority.load(std::memory_order_relaxed)) break;
            if (clock_ - begun > turn_ns && header.top_batches.load(std::memory_order_relaxed) > 1) break;
        }
        life_over_ = life_is_over();
        if (unclocked_tasks_ > 0) note_times(slot, {0, 0});
        flush_finished(slot);
        mark_pending_output();  // before the block can be seen as finished
        give_permit_back();
        if (worked && slot.prompt != 0) tell_news(slot);
    }
    cell_.phase.store(Phase::idle, std::memory_order_release);
    cell_.slot.store(0, std::memory_order_release);
}

void Executor::run_chunk(BlockSlot& slot, detail::ChunkCall& call, ChunkRange chunk) {
    // One at a time: as a pair they go through the stack, and the load of the pair waits for both stores.
    std::atomic_ref(call.first).store(chunk.first, std::memory_order_relaxed);
    std::atomic_ref(call.last).store(chunk.last, std::memory_order_relaxed);
    call.careful = prints_ || mean_ns_ == 0 || mean_ns_ >= careful_task_ns || slot.packing.level != 0;
    if (call.careful) {
        mark_pending_output();
    } else {
        if (output_first_ == UINT64_MAX) output_first_ = chunk.first;
        output_last_ = chunk.last - 1;
    }
    if (cell_.marks_output.load(std::memory_order_relaxed) != static_cast<std::uint32_t>(call.careful))
        cell_.marks_output.store(call.careful, std::memory_order_release);
    if (slot.packing.level == 0 || make_slot(call)) function_(call);
    chunk.last = call.last;                     // the slot may have been cut
    if (actors_ != nullptr) actors_->settle();  // before the tasks can be seen as done
    remember_finished(slot, chunk);
    unclocked_tasks_ += chunk.last - chunk.first;
    // The clock costs as much as a short chunk: it is read for every chunk only where somebody wants to know.
    if (slot.timing_capacity == 0 && ++unclocked_chunks_ < chunks_per_clock &&
        mean_ns_ * static_cast<double>(unclocked_tasks_) < short_chunks_ns && mean_ns_ > 0)
        return;
    note_times(slot, chunk);
    if (clock_ - flushed_ > (slot.prompt != 0 ? prompt_flush_after_ns : flush_after_ns)) {
        flush_finished(slot);
        if (slot.prompt != 0) tell_news(slot);
    }
    if (clock_ - output_checked_ > output_check_ns) mark_pending_output();
}

void Executor::remember_finished(BlockSlot const& slot, ChunkRange chunk) {
    auto count = cell_.finished_count.load(std::memory_order_relaxed);
    if (count > 0 && cell_.finished[count - 1].last.load(std::memory_order_relaxed) == chunk.first) {
        cell_.finished[count - 1].last.store(chunk.last, std::memory_order_release);
        return;
    }
    if (count == finished_most) {
        flush_finished(slot);
        count = 0;
    }
    cell_.finished[count].first.store(chunk.first, std::memory_order_relaxed);
    cell_.finished[count].last.store(chunk.last, std::memory_order_relaxed);
    cell_.finished_count.store(count + 1, std::memory_order_release);
}

void Executor::flush_finished(BlockSlot const& slot) {
    auto* const status = node_.at<std::uint8_t>(slot.status_offset);
    auto const count = cell_.finished_count.load(std::memory_order_relaxed);
    for (std::uint32_t i = 0; i < count; ++i) {
        // A task of the chunk that failed has its status already; most chunks have none.
        auto* const end = status + (cell_.finished[i].last.load(std::memory_order_relaxed) - slot.first);
        for (auto* s = status + (cell_.finished[i].first.load(std::memory_order_relaxed) - slot.first);
             s != end; ++s)
            if (*s == static_cast<std::uint8_t>(detail::TaskStatus::pending))
                set_status(*s, detail::TaskStatus::done);
    }
    std::atomic_thread_fence(std::memory_order_release);
    cell_.flushes.store(cell_.flushes.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    cell_.finished_count.store(0, std::memory_order_release);
    flushed_ = clock_;
}

void Executor::tell_news(BlockSlot& slot) {
    if (slot.news.exchange(1, std::memory_order_release) == 0) ringer_.ring(node_.header().leader_bell);
}

void Executor::note_times(BlockSlot& slot, ChunkRange chunk) {
    auto const start = clock_;
    auto const end = base::now_ns();
    auto const count = unclocked_tasks_;
    auto const elapsed = end - start;
    clock_ = end;
    unclocked_chunks_ = 0;
    unclocked_tasks_ = 0;
    auto const one = static_cast<double>(elapsed) / static_cast<double>(count);
    mean_ns_ = mean_ns_ == 0 ? std::max(one, 0.01) : mean_ns_ + (one - mean_ns_) / 4;
    auto const add = [](std::atomic<std::uint64_t>& sum, std::uint64_t value) {
        sum.store(sum.load(std::memory_order_relaxed) + value, std::memory_order_relaxed);
    };
    if (cell_.first_start_ns.load(std::memory_order_relaxed) == 0)
        cell_.first_start_ns.store(start, std::memory_order_relaxed);
    cell_.last_end_ns.store(end, std::memory_order_relaxed);
    if (slot.mode != ChunkMode::each) add(cell_.tasks_done, count);  // those are no tasks of a job
    add(cell_.busy_ns, elapsed);
    add(cell_.batch_tasks, count);
    add(cell_.batch_ns, elapsed);
    auto const squares = static_cast<double>(count) * one * one * 1e-18;
    cell_.batch_squares.store(cell_.batch_squares.load(std::memory_order_relaxed) + squares,
                              std::memory_order_relaxed);
    if (auto const each = elapsed / count; each > cell_.batch_longest_ns.load(std::memory_order_relaxed))
        cell_.batch_longest_ns.store(each, std::memory_order_relaxed);
    if (slot.timing_capacity == 0) return;
    auto const row = slot.timing_used.fetch_add(1, std::memory_order_relaxed);
    if (row >= slot.timing_capacity) return;
    if (end - rss_read_ > rss_check_ns) {
        rusage usage{};
        ::getrusage(RUSAGE_SELF, &usage);
        peak_rss_ = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
        rss_read_ = end;
    }
    auto& timing = node_.at<wire::Timing>(slot.timing_offset)[row];
    timing.first = chunk.first;
    timing.count = static_cast<std::uint32_t>(chunk.last - chunk.first);
    timing.rank = cell_.rank;
    timing.duration = static_cast<double>(elapsed) * 1e-9;
    timing.peak_rss = peak_rss_;
    // Last: by its start the leader tells a whole row from what was there before, should this executor die
    // here.
    std::atomic_ref(timing.start)
        .store(static_cast<double>(start - node_.header().run_start_ns) * 1e-9, std::memory_order_release);
}

void Executor::push(std::uint64_t task, RingRecord::Kind kind, ByteView content, FailureCause cause) {
    RingRecord const record{.kind = kind, .cause = cause, .bytes = 0, .task = task, .sequence = sequence_};
    auto& header = node_.header();
    while (!ring_push(cell_, node_.ring(index_), header.ring_bytes, record, content)) {
        cell_.waits_for_space.store(1, std::memory_order_release);
        ringer_.ring(header.leader_bell);
        timespec const nap{0, 200'000};
        ::nanosleep(&nap, nullptr);
        if (header.stop.load(std::memory_order_relaxed) != 0) return;
    }
    cell_.waits_for_space.store(0, std::memory_order_relaxed);
}

void Executor::fail(detail::ChunkCall& call, std::uint64_t task, FailureCause cause, char const* message) {
    auto& self = *static_cast<Executor*>(call.executor);
    auto const length = std::min<std::size_t>(std::strlen(message), 4096);
    self.push(task, RingRecord::Kind::error, {reinterpret_cast<std::byte const*>(message), length}, cause);
    set_status(call.status[task - call.block_first], detail::TaskStatus::failed);
}

void Executor::store(detail::ChunkCall& call, std::uint64_t task, ByteView result) {
    auto& self = *static_cast<Executor*>(call.executor);
    auto const limit = ring_record_limit(self.node_.header().ring_bytes);
    if (result.size() <= limit) return self.push(task, RingRecord::Kind::result, result);
    auto const message = "the result has " + std::to_string(result.size()) + " bytes (the most is " +
                         std::to_string(limit) +
                         "); give more memory with --node-memory, or declare its shape";
    fail(call, task, FailureCause::exception, message.c_str());
}

}  // namespace plenum::pool
