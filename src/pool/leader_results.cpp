// What the leader sends to rank 0: tasks that are final, whole blocks or parts of them.
#include <algorithm>
#include <atomic>
#include <iterator>

#include "base/clock.hpp"
#include "pool/leader.hpp"

namespace plenum::pool {

using detail::TaskStatus;

// ---- sending what is final ----

bool Leader::exhausted_and_idle(int index) const {
    auto const& slot = node_.slot(index);
    if (slot.next.load(std::memory_order_acquire) < slot.units) return false;
    if (slot.mode == ChunkMode::each) {
        auto* const status = node_.at<std::uint8_t>(slot.status_offset);
        for (std::uint64_t i = 0; i < slot.count; ++i)
            if (std::atomic_ref(status[i]).load(std::memory_order_acquire) ==
                static_cast<std::uint8_t>(TaskStatus::pending))
                return false;
    }
    for (int i = 0; i < node_.header().executors; ++i) {
        auto const& cell = node_.cell(i);
        if (cell.slot.load(std::memory_order_acquire) == static_cast<std::uint32_t>(index) + 1 &&
            cell.phase.load(std::memory_order_acquire) != Phase::idle)
            return false;
    }
    return true;
}

TaskTimes Leader::task_times(std::uint32_t batch) const {
    TaskTimes times;
    for (int i = 0; i < node_.header().executors; ++i)
        if (auto const& cell = node_.cell(i); cell.batch.load(std::memory_order_acquire) == batch)
            times.add(cell);
    return times;
}

void Leader::send_run(BlockSlot& slot, Block& block, wire::BlockResults&& results) {
    results.node = place_.node;
    results.batch = block.batch;
    results.block = block.id;
    auto const times = task_times(block.batch);
    results.mean_task_seconds = times.mean();
    results.long_task_seconds = times.likely_most();
    std::uint64_t count = 0;
    for (auto const& run : results.runs) count += run.count();
    if (slot.stride != 0 && count > 0 && !block.in_place) {
        auto const& run = results.runs.front();  // one run: consecutive slots are sent as they lie
        results.payload = {block.segment,
                           {node_.base() + slot.results_offset + (run.first - slot.first) * slot.stride,
                            run.count() * slot.stride}};
    }
    send_(std::move(results));
}

void Leader::mark_finished(int index) {
    auto& slot = node_.slot(index);
    auto* const status = node_.at<std::uint8_t>(slot.status_offset);
    for (int i = 0; i < node_.header().executors; ++i) {
        auto const& cell = node_.cell(i);
        auto const is_here = [&] {
            return cell.slot.load(std::memory_order_acquire) == static_cast<std::uint32_t>(index) + 1;
        };
        if (!is_here() || cell.state.load(std::memory_order_acquire) != CellState::running) continue;
        auto const flushes = cell.flushes.load(std::memory_order_acquire);
        auto const claims = cell.claims.load(std::memory_order_acquire);
        std::vector<std::pair<std::uint64_t, std::uint64_t>> finished;
        if (cell.phase.load(std::memory_order_acquire) == Phase::owning)
            finished.emplace_back(cell.first.load(std::memory_order_relaxed),
                                  cell.current.load(std::memory_order_acquire));
        add_finished(cell, finished);
        std::atomic_thread_fence(std::memory_order_acquire);
        if (cell.claims.load(std::memory_order_relaxed) != claims ||
            cell.flushes.load(std::memory_order_relaxed) != flushes || !is_here())
            continue;  // it is quick: it tells by itself
        for (auto const& [first, last] : finished)
            for (auto task = first; task < last; ++task) {
                std::atomic_ref<std::uint8_t> const s(status[task - slot.first]);
                auto pending = static_cast<std::uint8_t>(TaskStatus::pending);
                s.compare_exchange_strong(pending, static_cast<std::uint8_t>(TaskStatus::done));
            }
    }
}

void Leader::take_times(BlockSlot& slot, Block& block, bool complete, std::vector<wire::Timing>& times) {
    if (slot.timing_capacity == 0) return;
    auto* const rows = node_.at<wire::Timing>(slot.timing_offset);
    auto const used = std::min(slot.timing_used.load(std::memory_order_acquire), slot.timing_capacity);
    auto const seconds = [&](std::uint64_t ns) {
        return static_cast<double>(ns - node_.header().run_start_ns) * 1e-9;
    };
    auto const posted = seconds(block.posted_ns), now = seconds(base::now_ns());
    // A row that its executor has claimed and not written holds what the memory held before: it is not of
    // this block, or older than the block. Whoever claimed it may be writing it, or dead.
    auto const is_whole = [&](wire::Timing& row) {
        auto const start = std::atomic_ref(row.start).load(std::memory_order_acquire);
        return start >= posted && start <= now && row.first >= slot.first && row.count > 0 &&
               row.count <= slot.count && row.first - slot.first <= slot.count - row.count;
    };
    for (; block.times_taken < used; ++block.times_taken) {
        auto& row = rows[block.times_taken];
        if (is_whole(row))
            times.push_back(row);
        else if (!complete)
            break;
    }
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
        // One task waits for the end of the block, whose message carries the last times: a batch is never
        // complete before all of its messages have been sent. Prompt blocks have no times.
        bool waits = complete || slot.prompt != 0;
        std::optional<std::uint64_t> last_sent;
        for (std::uint64_t i = 0; i < slot.count; ++i) {
            if (block.sent[i]) continue;
            auto const s =
                static_cast<TaskStatus>(std::atomic_ref(const_cast<std::uint8_t&>(status[i])).load());
            if (s == TaskStatus::pending) {
                waits = true;
                continue;
            }
            block.sent[i] = true;
            last_sent = i;
            extend(s == TaskStatus::returned ? returned : runs, slot.first + i);
        }
        if (!waits && last_sent) {
            block.sent[*last_sent] = false;
            auto& ranges = !runs.empty() && runs.back().last == slot.first + *last_sent + 1 ? runs : returned;
            if (--ranges.back().last == ranges.back().first) ranges.pop_back();
        }
    }
    if (runs.empty() && returned.empty() && (!complete || slot.prompt != 0)) return;
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
    take_times(slot, block, complete, last.timing);
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

}  // namespace plenum::pool
