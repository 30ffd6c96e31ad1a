// Where the results of a batch go.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <plenum/detail/pool_core.hpp>

#include "sched/range_set.hpp"
#include "wire/messages.hpp"

namespace plenum::pool {

/// Used by rank 0's main thread.
class BatchSink {
public:
    BatchSink() = default;
    BatchSink(BatchSink const&) = delete;
    BatchSink& operator=(BatchSink const&) = delete;
    virtual ~BatchSink() = default;

    /// Results of tasks that are final, in any order. May keep the payload and work on it later.
    virtual void take(wire::BlockResults results) = 0;
    /// True: whoever reads the results has enough of them for now.
    [[nodiscard]] virtual bool full() const noexcept { return false; }
    /// Bytes taken but not stored yet.
    [[nodiscard]] virtual std::uint64_t backlog() const noexcept { return 0; }
    /// A defect of the sink (a full disk): the batch cannot succeed any more.
    [[nodiscard]] virtual bool broken() const noexcept { return false; }
    /// An attempt of a task that has failed and runs again. Not a result.
    virtual void note_attempt(wire::Failure const&) {}
    /// Some of the batch's tasks will not run, for that reason. Before finish().
    virtual void cut(std::exception_ptr) {}
    /// All is taken. `done` is called once everything is stored, from any thread, with the first error if
    /// any.
    virtual void finish(std::function<void(std::exception_ptr)> done) = 0;
};

/// As a TaskError tells it.
[[nodiscard]] TaskError::Data error_data(wire::Failure const& failure, std::vector<std::string> const& hosts);

/// Keeps results in memory; tasks that never ran, because the batch was cancelled, are failures at the end.
/// Those of fixed size at their place in node memory, varying ones as they came.
class MemorySink : public BatchSink {
public:
    MemorySink(std::shared_ptr<detail::ResultStore> store, std::vector<std::string> const& hosts);
    void take(wire::BlockResults results) override;
    void finish(std::function<void(std::exception_ptr)> done) override;

private:
    std::shared_ptr<detail::ResultStore> store_;
    std::vector<std::string> hosts_;
    sched::RangeSet missing_;
};

}  // namespace plenum::pool
