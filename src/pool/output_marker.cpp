#include "pool/output_marker.hpp"

#include <sched.h>
#include <stdio_ext.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>

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

OutputMarker::OutputMarker(OutputPipes pipes, std::array<OutputTaken, 2>& taken)
    : pipes_{pipes.out, pipes.error}, taken_(taken) {
    for (std::size_t stream = 0; stream < marked_.size(); ++stream) marked_[stream] = written(stream);
}

std::uint64_t OutputMarker::written(std::size_t stream) const {
    auto const& taken = taken_[stream];
    for (;;) {
        auto const ended = taken.ended.load(std::memory_order_seq_cst);
        int waiting = 0;
        if (::ioctl(pipes_[stream], FIONREAD, &waiting) != 0) waiting = 0;
        if (taken.begun.load(std::memory_order_seq_cst) == ended)
            return ended + static_cast<std::uint64_t>(waiting);
        ::sched_yield();  // the reader is reading
    }
}

bool OutputMarker::mark(std::uint64_t first, std::uint64_t last, std::uint32_t batch) {
    std::cout.flush();
    if (__fpending(stdout) != 0) std::fflush(stdout);
    bool printed = false;
    for (std::size_t stream = 0; stream < marked_.size(); ++stream) {
        auto const bytes = written(stream);
        if (bytes <= marked_[stream]) continue;
        printed = true;
        OutputMark const mark{.batch = batch, .first_task = first, .last_task = last};
        write_whole(pipes_[stream], &mark, sizeof mark);
        marked_[stream] = bytes + sizeof mark;
    }
    return printed;
}

}  // namespace plenum::pool
