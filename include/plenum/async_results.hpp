// The results of pool.map_async: a map on its way.
#pragma once

#include <chrono>
#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <plenum/detail/completion.hpp>
#include <plenum/detail/pool_core.hpp>
#include <plenum/future.hpp>
#include <plenum/results.hpp>
#include <string>
#include <utility>

namespace plenum {

/// What a map does when a task fails. The other tasks run in either case.
enum class OnFailure {
    raise,    ///< throw the MapError of the failed task of least index when all tasks are final
    collect,  ///< Results::failures() names them
};

/// Some tasks of a map failed: what() and data() are those of the first; the results of the others are here.
template <class R>
class MapError : public TaskError {
public:
    MapError(TaskError::Data first, Results<R> results) : TaskError(std::move(first)), results_(std::move(results)) {}
    /// All results; access to those of failed tasks throws. failures() names these.
    [[nodiscard]] Results<R> const& results() const noexcept { return results_; }

private:
    Results<R> results_;
};

/// A map on its way; copies mean the same one. Dropping it neither waits nor cancels: the tasks run, and the pool's
/// end waits for them. Thread-safe.
template <class R>
class AsyncResults {
public:
    AsyncResults(detail::PoolCore& core, detail::RunningBatch batch, OnFailure on_failure)
        : core_(&core), batch_(std::make_shared<detail::RunningBatch>(std::move(batch))), on_failure_(on_failure) {}

    void wait() const { batch_->completion->wait(); }
    /// True: all tasks are final.
    [[nodiscard]] bool wait(Seconds timeout) const { return batch_->completion->wait(detail::deadline_in(timeout)); }
    [[nodiscard]] bool ready() const { return batch_->completion->ended(); }
    /// All tasks are final and none has failed.
    [[nodiscard]] bool successful() const {
        return ready() && batch_->store->failures.empty();
    }
    /// Waits. The results in the order of the items; throws MapError when a task failed and the map raises.
    [[nodiscard]] Results<R> get() const {
        wait();
        auto results = partial();
        if (on_failure_ == OnFailure::raise && !results.failures().empty()) {
            auto first = results.failures().front();
            throw MapError<R>(std::move(first), std::move(results));
        }
        return results;
    }
    /// The same; throws TimeoutError when not all tasks are final after `timeout`. They go on.
    [[nodiscard]] Results<R> get(Seconds timeout) const {
        if (!wait(timeout))
            throw TimeoutError("the map has not ended after " + std::to_string(timeout.count()) +
                               " s; wait longer, or cancel it");
        return get();
    }
    /// Waits. All results, whatever failed: Results::failures() names the tasks without one.
    [[nodiscard]] Results<R> partial() const {
        wait();
        batch_->completion->check();
        return Results<R>(batch_->store);
    }
    /// Drops the tasks that do not run yet: they fail with FailureCause::cancelled. Does not wait for the others.
    void cancel() const { batch_->cancel(); }
    /// Calls `callback(results)` on the pool's callback thread at the end, or `error_callback(std::exception_ptr)`
    /// where get() would throw.
    template <std::invocable<Results<R>> Callback, std::invocable<std::exception_ptr> ErrorCallback>
    void on_done(Callback callback, ErrorCallback error_callback) const {
        auto run = [self = *this, callback = std::move(callback), error_callback = std::move(error_callback)]() mutable {
            std::optional<Results<R>> results;
            try {
                results.emplace(self.get());
            } catch (...) {
                error_callback(std::current_exception());
                return;
            }
            callback(std::move(*results));
        };
        auto const shared = std::make_shared<decltype(run)>(std::move(run));
        batch_->completion->then([core = core_, shared] { core->call_back([shared] { (*shared)(); }); });
    }

private:
    detail::PoolCore* core_;
    std::shared_ptr<detail::RunningBatch> batch_;
    OnFailure on_failure_;
};

}  // namespace plenum
