// Starting a program on all ranks.
#pragma once

#include <concepts>
#include <functional>
#include <plenum/pool.hpp>
#include <string>
#include <type_traits>

namespace plenum {

/// How plenum::run works. Unset fields come from PLENUM_SCHEDULE, PLENUM_CHUNK_SIZE, PLENUM_ISOLATION,
/// PLENUM_EXECUTORS, PLENUM_TASKS_PER_EXECUTOR, PLENUM_THREADS_PER_TASK and PLENUM_NODE_MEMORY of rank 0, as for `plenum run`.
struct RunSettings {
    std::string schedule = {};      ///< auto, static, ss, gss, tss, fac2
    std::string chunk_size = {};    ///< tasks per chunk
    std::string isolation = {};     ///< process, none
    std::string executors = {};     ///< tasks that each rank runs at the same time; many for tasks that wait
    std::string tasks_per_executor = {};  ///< after which an executor is renewed; "0": never
    std::string threads_per_task = {};  ///< of the libraries that tasks call
    std::string node_memory = {};   ///< "4G"
};

namespace detail {
[[nodiscard]] int run_body(std::function<int(Pool&)> const& body, RunSettings const& settings);
}

/// Runs `body` on rank 0 of the program, on a thread of its own, while the other ranks serve; returns its result (0
/// when it returns nothing) as the exit code, on every rank. Collective: each rank of an mpirun calls it, first thing in main and from the main
/// thread; without mpirun one process does everything. What the body sets in global variables is not seen by tasks:
/// executors are forked before. An exception that leaves the body is printed and ends every rank with its code.
/// `argc` and `argv` are not looked at.
template <std::invocable<Pool&> Body>
int run(int, char**, Body&& body, RunSettings const& settings = {}) {
    return detail::run_body(
        [&body](Pool& pool) {
            if constexpr (std::is_void_v<std::invoke_result_t<Body&, Pool&>>) {
                body(pool);
                return 0;
            } else {
                return static_cast<int>(body(pool));
            }
        },
        settings);
}

}  // namespace plenum
