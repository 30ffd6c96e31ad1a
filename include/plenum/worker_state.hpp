// State that lives in each executor between its tasks: worker_init, worker_exit, and the tasks that use it.
#pragma once

#include <cstdint>
#include <optional>
#include <plenum/codec.hpp>
#include <plenum/detail/on_each.hpp>
#include <plenum/detail/pool_core.hpp>
#include <plenum/detail/stateful_task.hpp>
#include <plenum/worker_context.hpp>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace plenum {

/// How a state ended on one executor.
template <class T>
struct ExitResult {
    int rank = 0;
    int executor = 0;  ///< as in WorkerContext
    std::string host;
    std::optional<T> value = {};  ///< what worker_exit returned; empty when it failed
    std::string error = {};       ///< why; empty: all went well
};
/// Without a value: worker_exit returns nothing, or there is none.
template <>
struct ExitResult<void> {
    int rank = 0;
    int executor = 0;
    std::string host;
    std::string error = {};
};

/// A state S in every executor that needs it; made by pool.worker_state(worker_init, worker_exit).
///
/// worker_init runs in an executor before its first task that needs the state, and again in the executor that
/// replaces one that was renewed or has died. The state stays between tasks and between maps, until finish(). A state
/// is seen by one task at a time, so tasks need no locks for it. With --isolation none the executors are threads: what
/// is global in the program is then common to all of them, the state is not.
///
/// An exception in worker_init fails the task that needed the state ("worker_init failed: ..."), and the next task
/// tries again. A state whose executor crashes in a task is lost with what it counted.
///
/// What travels: with every map the bytes of worker_init, worker_exit and the task function, once to each node; the
/// state itself never. Cost of the state for a task: a few nanoseconds; several states that take turns from task to
/// task cost a short search.
///
/// Owned by the body, not thread-safe, must not outlive the pool; it outlives the maps that use it. Destroying it
/// ends the states as finish() does, and drops what that gives.
template <class Init, class Exit = detail::NoExit>
class WorkerState {
public:
    using State = detail::state_of_t<Init>;
    using ExitValue = typename detail::ExitValue<Exit, State>::type;

    WorkerState(detail::PoolCore& core, Init init, Exit exit)
        : core_(&core), id_(detail::next_state_id()), init_(std::move(init)), exit_(std::move(exit)) {}
    WorkerState(WorkerState const&) = delete;
    WorkerState& operator=(WorkerState const&) = delete;
    WorkerState(WorkerState&& other) noexcept
        : core_(std::exchange(other.core_, nullptr)),
          id_(other.id_),
          used_(other.used_),
          init_(std::move(other.init_)),
          exit_(std::move(other.exit_)) {}
    WorkerState& operator=(WorkerState&&) = delete;
    ~WorkerState() {
        if (core_ == nullptr || !used_) return;
        try {
            (void)finish();
        } catch (std::exception const&) {
            // The pool is at its end, and the states with it.
        }
    }

    /// The task function that calls f(state, item), f(state, index), f(state, arguments...) of a starmap, or
    /// f(state, item, std::span<T> out). Pass it to any map; `f` follows the rules of a map's function.
    template <class F>
    [[nodiscard]] auto with(F f) {
        static_assert(Travels<F>,
                      "Plenum: the function object cannot travel to the executors. Capture plain values and "
                      "SharedRefs by value, or put other state into a struct with operator() const and serialize().");
        used_ = true;
        return detail::StatefulTask<Init, Exit, F>(id_, init_, exit_, std::move(f));
    }

    /// Ends the state on every executor that has one: worker_exit, then the destructor of the state. Blocking; waits
    /// for the tasks at work. One result for each state that there was, by executor, older ones first: executors that
    /// were renewed (tasks_per_executor) have left theirs when they ended. An exception or a crash in worker_exit or in
    /// the destructor is the `error` of that executor's result. Cost: a task for each executor. A later use of the
    /// state makes it anew.
    [[nodiscard]] std::vector<ExitResult<ExitValue>> finish() {
        used_ = false;
        std::vector<ExitResult<ExitValue>> results;
        for (auto const& record : detail::end_states(*core_, id_)) results.push_back(result_of(record));
        return results;
    }

private:
    static ExitResult<ExitValue> result_of(detail::ExitRecord const& record) {
        ExitResult<ExitValue> result{.rank = record.where.rank,
                                     .executor = record.where.executor,
                                     .host = record.where.host};
        result.error = record.error;
        if constexpr (!std::is_void_v<ExitValue>) {
            auto const* const bytes = reinterpret_cast<std::byte const*>(record.value.data());
            if (record.has_value) result.value = decode<ExitValue>(ByteView(bytes, record.value.size()));
        }
        return result;
    }

    detail::PoolCore* core_;
    std::uint64_t id_;
    bool used_ = false;
    Init init_;
    Exit exit_;
};

}  // namespace plenum
