// What the leader does about executors that died: no claim is lost, only the task at work is charged.
#include <algorithm>

#include "base/futex.hpp"
#include "pool/child_end.hpp"
#include "pool/leader.hpp"

namespace plenum::pool {
namespace {

using detail::TaskStatus;

}  // namespace

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
    auto end = cell.doom != Doom::none
                   ? describe_doom(cell.doom, static_cast<double>(slot.task_timeout_ns) * 1e-9)
                   : describe_end(cell.wait_status, cell.fault.load(std::memory_order_acquire),
                                  cell.out_of_memory != 0, "the task");
    block.failures.push_back({.task = task,
                              .rank = cell.rank,
                              .attempt = 1,
                              .cause = end.cause,
                              .message = std::move(end.message)});
}

void Leader::recover_owned(int cell_index, BlockSlot& slot, Block& block) {
    auto& cell = node_.cell(cell_index);
    auto const first = cell.first.load(std::memory_order_relaxed);
    auto const last = cell.last.load(std::memory_order_relaxed);
    auto const current = std::clamp(cell.current.load(std::memory_order_acquire), first, last);
    mark(slot, first, current, TaskStatus::done);
    // A kill may have come when the task that it was meant for had just ended.
    bool const meant =
        cell.claims.load(std::memory_order_relaxed) == cell.doomed_claim && current == cell.doomed_task;
    bool const innocent = cell.doom == Doom::abandoned || (cell.doom == Doom::timeout && !meant);
    // A task that only this executor can run cannot be returned.
    if (current < last && (!innocent || slot.mode == ChunkMode::each)) charge(slot, block, cell, current);
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

void Leader::free_permits_of(int cell_index) {
    bool any = false;
    for (auto const& [id, batch] : batches_)
        for (auto& permit : std::span(node_.at<Permit>(batch.permits_offset), batch.permits)) {
            auto holder = static_cast<std::uint32_t>(cell_index) + 1;
            any = permit.compare_exchange_strong(holder, 0) || any;
        }
    if (!any) return;
    node_.header().work.fetch_add(1, std::memory_order_release);
    base::futex_wake_all(node_.header().work);
}

void Leader::release_cell(int cell_index) {
    auto& cell = node_.cell(cell_index);
    free_permits_of(cell_index);
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
        } else if (slot.mode == ChunkMode::each) {
            release_cell(i);  // what it did not own is still its successor's
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

}  // namespace plenum::pool
