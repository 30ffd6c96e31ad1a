// Starting a program on all ranks.
#pragma once

#include <concepts>
#include <cstdint>
#include <cstring>
#include <functional>
#include <plenum/pool.hpp>
#include <string>
#include <type_traits>

namespace plenum {

/// How plenum::run works. Unset fields come from PLENUM_SCHEDULE, PLENUM_CHUNK_SIZE, PLENUM_ISOLATION,
/// PLENUM_EXECUTORS, PLENUM_TASKS_PER_EXECUTOR, PLENUM_THREADS_PER_TASK and PLENUM_NODE_MEMORY of rank 0, then from the
/// file that PLENUM_CONFIG names, as for `plenum run`. So do the limits that have no field here: PLENUM_RETRIES,
/// PLENUM_CRASH_LIMIT, PLENUM_MAX_FAILURES, PLENUM_TASK_TIMEOUT, PLENUM_TASK_MEMORY, PLENUM_TIME_LIMIT, PLENUM_GRACE,
/// PLENUM_TIME_REQUEST and PLENUM_NODE_SILENCE. Other run options change nothing.
struct RunSettings {
    std::string schedule = {};      ///< auto, static, ss, gss, tss, fac2, awf
    std::string chunk_size = {};    ///< tasks per chunk
    std::string isolation = {};     ///< process, none
    std::string executors = {};     ///< tasks that each rank runs at the same time; many for tasks that wait
    std::string tasks_per_executor = {};  ///< after which an executor is renewed; "0": never
    std::string threads_per_task = {};  ///< of the libraries that tasks call
    std::string node_memory = {};   ///< "4G"
};

namespace detail {
[[nodiscard]] int run_body(std::function<int(Pool&)> const& body, RunSettings const& settings);
[[nodiscard]] int run_body_within(std::uint64_t communicator, std::size_t bytes,
                                  std::function<int(Pool&)> const& body, RunSettings const& settings);

/// The body with its result as the exit code: 0 when it returns nothing.
template <class Body>
[[nodiscard]] std::function<int(Pool&)> with_exit_code(Body& body) {
    return [&body](Pool& pool) {
        if constexpr (std::is_void_v<std::invoke_result_t<Body&, Pool&>>) {
            body(pool);
            return 0;
        } else {
            return static_cast<int>(body(pool));
        }
    };
}
}  // namespace detail

/// Runs `body` on rank 0 of the program, on a thread of its own, while the other ranks serve; returns its result (0
/// when it returns nothing) as the exit code, on every rank. Collective: each rank of an mpirun calls it, first thing
/// in main and from the main thread, once, as MPI ends with it; without mpirun one process does everything, as often as
/// it likes. What the body sets in global variables is not seen by tasks: executors are forked before. An exception
/// that leaves the body is printed and ends every rank with its code. `argc` and `argv` are not looked at.
template <std::invocable<Pool&> Body>
int run(int, char**, Body&& body, RunSettings const& settings = {}) {
    return detail::run_body(detail::with_exit_code(body), settings);
}

/// An MPI_Comm, whatever the MPI library makes of it.
template <class Handle>
concept CommunicatorHandle = (std::is_pointer_v<Handle> || std::is_integral_v<Handle>) && sizeof(Handle) <= 8;

/// The same inside a program that has started MPI itself, with at least MPI_THREAD_FUNNELED, and goes on with it:
/// `plenum::run(communicator, body)`. Collective over the ranks of the communicator, on the thread that started MPI; the
/// body runs on its first rank. Other ranks are not concerned. As often as the program likes: every run has node memory,
/// executors and duplicates of the communicator of its own, which are gone when it returns; signal actions and the
/// communicator's error handler are as before. Cost: starting and ending, some 10 ms, and one barrier.
/// Executors are forked: threads of the program do not exist in them, and what those held locked stays locked. The
/// body is not on MPI's thread, so MPI calls in it need MPI_THREAD_MULTIPLE.
/// Throws UsageError when MPI, the handle or the settings are not as required; then nothing has happened. An exception
/// that leaves the body is printed and becomes the returned code. When a rank cannot go on, MPI_Abort ends the program;
/// so does a signal such as SIGINT for which the program has no action of its own.
template <CommunicatorHandle Handle, std::invocable<Pool&> Body>
int run(Handle communicator, Body&& body, RunSettings const& settings = {}) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &communicator, sizeof communicator);
    return detail::run_body_within(bits, sizeof communicator, detail::with_exit_code(body), settings);
}

}  // namespace plenum
