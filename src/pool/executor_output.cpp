// What an executor does between tasks: marks whose the printed output is, and stops where its block was cut.
#include <sched.h>
#include <stdio_ext.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <iostream>

#include "pool/executor.hpp"

namespace plenum::pool {
namespace {

void write_whole(int fd, void const* data, std::size_t bytes) {
    auto const* at = static_cast<char const*>(data);
    while (bytes > 0) {
        auto const written = ::write(fd, at, bytes);
        if (written <= 0) return;  // nobody reads any more: the run is over
        at += written;
        bytes -= static_cast<std::size_t>(written);
    }
}

}  // namespace

std::uint64_t Executor::output_written(std::size_t stream) const {
    auto const& taken = cell_.output_taken[stream];
    for (;;) {
        auto const ended = taken.ended.load(std::memory_order_seq_cst);
        int waiting = 0;
        if (::ioctl(stream == 0 ? pipes_.out : pipes_.error, FIONREAD, &waiting) != 0) waiting = 0;
        if (taken.begun.load(std::memory_order_seq_cst) == ended)
            return ended + static_cast<std::uint64_t>(waiting);
        ::sched_yield();  // the parent is reading
    }
}

void Executor::mark_output(std::uint64_t first, std::uint64_t last) {
    output_checked_ = clock_;
    output_first_ = UINT64_MAX;
    std::cout.flush();
    if (__fpending(stdout) != 0) std::fflush(stdout);
    for (std::size_t stream = 0; stream < output_marked_.size(); ++stream) {
        auto const written = output_written(stream);
        if (written <= output_marked_[stream]) continue;
        prints_ = true;
        OutputMark const mark{.first_task = first, .last_task = last};
        write_whole(stream == 0 ? pipes_.out : pipes_.error, &mark, sizeof mark);
        output_marked_[stream] = written + sizeof mark;
    }
}

void Executor::mark_pending_output() {
    if (pipes_.out >= 0 && output_first_ != UINT64_MAX) mark_output(output_first_, output_last_);
}

void Executor::task_ended(detail::ChunkCall& call, std::uint64_t task) {
    auto& self = *static_cast<Executor*>(call.executor);
    if (self.pipes_.out >= 0) self.mark_output(task, task);
    if (self.slot_->cut.load(std::memory_order_relaxed) != 0) self.cut_chunk(call, task);
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
