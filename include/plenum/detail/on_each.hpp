// Batches with one task for each executor.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <plenum/detail/batch_request.hpp>
#include <plenum/detail/carried.hpp>
#include <plenum/detail/pool_core.hpp>
#include <plenum/detail/worker_table.hpp>
#include <stdexcept>
#include <type_traits>
#include <vector>

namespace plenum::detail {

/// f(WorkerContext const&) as the function of a map over indices.
template <class F>
class EachTask {
public:
    EachTask() = default;
    explicit EachTask(F f) : f_(std::move(f)) {}
    auto operator()(std::uint64_t) const { return (*f_)(this_worker()->context()); }
    template <class Archive>
    void serialize(Archive& archive) {
        archive(f_);
    }

private:
    Carried<F> f_;
};

/// Starts f once on each executor. Task i is that of executor i.
template <class F>
[[nodiscard]] RunningBatch start_on_each(PoolCore& core, F const& f, Shape const& shape) {
    static_assert(Travels<F>,
                  "Plenum: the function object cannot travel to the executors. Capture plain values and "
                  "SharedRefs by value, or put other state into a struct with operator() const and serialize().");
    static_assert(std::is_invocable_v<F const&, WorkerContext const&>,
                  "Plenum: a function for each executor must take a plenum::WorkerContext const& and be const.");
    auto request = request_for<EachTask<F>, IndexItem>(EachTask<F>(f), 0, shape);
    request.on_each_executor = true;
    request.tasks = static_cast<std::uint64_t>(core.executors());
    return core.start(std::move(request));
}

/// Ends one state where it is.
struct EndState {
    std::uint64_t id = 0;
    std::optional<ExitRecord> operator()(WorkerContext const&) const { return this_worker()->leave(id); }
};

/// Ends that state on all executors; with what executors before them have left, by executor.
[[nodiscard]] inline std::vector<ExitRecord> end_states(PoolCore& core, std::uint64_t id) {
    auto const batch = start_on_each(core, EndState{id}, {});
    batch.completion->wait();
    batch.completion->check();
    auto const& store = batch.store;
    auto records = core.take_exit_records(id);
    auto failure = store->failures.begin();
    for (std::uint64_t executor = 0; executor < store->tasks; ++executor) {
        if (failure != store->failures.end() && failure->task == executor) {
            ExitRecord crashed;
            crashed.where.rank = failure->rank;
            crashed.where.executor = static_cast<int>(executor);
            crashed.where.host = failure->host;
            crashed.error = "worker_exit failed: " + failure->message;
            records.push_back(std::move(crashed));
            ++failure;
        } else if (auto record = decode<std::optional<ExitRecord>>(store->views[executor])) {
            records.push_back(std::move(*record));
        }
    }
    std::stable_sort(records.begin(), records.end(), [](ExitRecord const& a, ExitRecord const& b) {
        return a.where.executor < b.where.executor;
    });
    return records;
}

}  // namespace plenum::detail
