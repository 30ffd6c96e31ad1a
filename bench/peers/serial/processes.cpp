// Forked processes that begin together.
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <new>
#include <stdexcept>
#include <vector>

#include "serial/programs.hpp"
#include "work.hpp"

namespace bench {

std::uint64_t* shared_numbers(std::uint64_t count) {
    auto* const data = ::mmap(nullptr, count * sizeof(std::uint64_t), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) throw std::bad_alloc();
    return static_cast<std::uint64_t*>(data);
}

double in_processes(std::uint64_t workers, std::function<void(std::uint64_t)> const& work) {
    auto* const state = shared_numbers(2);
    std::atomic_ref<std::uint64_t> ready(state[0]), go(state[1]);
    std::vector<pid_t> children;
    for (std::uint64_t k = 0; k < workers; ++k) {
        auto const child = ::fork();
        if (child < 0) throw std::runtime_error("fork failed");
        if (child == 0) {
            ++ready;
            while (go == 0) ::sched_yield();
            work(k);
            ::_exit(0);
        }
        children.push_back(child);
    }
    while (ready < workers) ::sched_yield();
    auto const start = now_ns();
    go = 1;
    bool all_well = true;
    for (auto const child : children) {
        int status = 0;
        all_well = ::waitpid(child, &status, 0) == child && status == 0 && all_well;
    }
    auto const seconds = seconds_since(start);
    ::munmap(state, 2 * sizeof(std::uint64_t));
    if (!all_well) throw std::runtime_error("a process failed");
    return seconds;
}

}  // namespace bench
