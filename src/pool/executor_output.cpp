// What an executor does between tasks: compresses a result, marks whose the printed output is, and stops
// where its block was cut.
#include <atomic>
#include <memory>
#include <new>

#include "base/clock.hpp"
#include "pool/executor.hpp"
#include "pool/executor_port.hpp"

namespace plenum::pool {

void Executor::mark_output(std::uint64_t first, std::uint64_t last) {
    output_checked_ = clock_;
    output_first_ = UINT64_MAX;
    if (marker_->mark(first, last, batch_)) prints_ = true;
}

void Executor::mark_pending_output() {
    if (marker_ && output_first_ != UINT64_MAX) mark_output(output_first_, output_last_);
}

void Executor::task_ended(detail::ChunkCall& call, std::uint64_t task) {
    auto& self = *static_cast<Executor*>(call.executor);
    if (self.slot_->packing.level != 0) self.pack_result(call, task);
    if (self.actors_ != nullptr) self.actors_->settle();  // before the task can be seen as done
    if (self.marker_) self.mark_output(task, task);
    if (self.slot_->cut.load(std::memory_order_relaxed) != 0 || self.rest_is_too_late(call, task))
        self.cut_chunk(call, task);
}

bool Executor::make_slot(detail::ChunkCall& call) {
    auto const bytes = call.stride + slot_alignment;
    try {
        if (slot_memory_.size() < bytes) {
            slot_memory_ = {};
            slot_memory_.resize(bytes);
        }
    } catch (std::bad_alloc const&) {
        for (auto task = call.first; task < call.last; ++task) {
            call.current->store(task, std::memory_order_release);
            detail::fail_with_exception(call, task);
            task_ended(call, task);
        }
        call.current->store(call.last, std::memory_order_release);
        return false;
    }
    void* slot = slot_memory_.data();
    auto room = slot_memory_.size();
    call.results = static_cast<std::byte*>(std::align(slot_alignment, call.stride, slot, room));
    return true;
}

void Executor::pack_result(detail::ChunkCall& call, std::uint64_t task) {
    auto const status = call.status[task - call.block_first];
    if (status == static_cast<std::uint8_t>(detail::TaskStatus::failed)) return;
    try {
        store(call, task, packer_.pack(slot_->packing, {call.slot(task), call.stride}));
    } catch (std::bad_alloc const&) {
        detail::fail_with_exception(call, task);
    }
}

bool Executor::rest_is_too_late(detail::ChunkCall const& call, std::uint64_t task) const {
    if (slot_->last_end_ns == 0) return false;
    auto const now = base::now_ns();
    auto const mean = (now - clock_) / (task + 1 - call.first);  // the clock was read before the chunk
    return now + mean > slot_->last_end_ns || is_too_late(*slot_, now);
}

void Executor::cut_chunk(detail::ChunkCall& call, std::uint64_t task) {
    if (task + 1 >= call.last) return;
    // Given back before the chunk is shorter: an executor that dies in between is charged with nothing of it.
    for (auto rest = task + 1; rest < call.last; ++rest)
        std::atomic_ref(call.status[rest - call.block_first])
            .store(static_cast<std::uint8_t>(detail::TaskStatus::returned), std::memory_order_release);
    cell_.last.store(task + 1, std::memory_order_release);
    call.last = task + 1;
}

}  // namespace plenum::pool
