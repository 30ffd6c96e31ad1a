#include "pool/batch_sink.hpp"

#include <algorithm>
#include <cstring>

namespace plenum::pool {

TaskError::Data error_data(wire::Failure const& failure, std::vector<std::string> const& hosts) {
    return {.task = failure.task,
            .rank = failure.rank,
            .host = hosts[static_cast<std::size_t>(failure.rank)],
            .attempt = failure.attempt,
            .cause = failure.cause,
            .message = failure.message};
}

MemorySink::MemorySink(std::shared_ptr<detail::ResultStore> store, std::vector<std::string> const& hosts)
    : store_(std::move(store)), hosts_(hosts), missing_({0, store_->tasks}) {}

void MemorySink::take(wire::BlockResults results) {
    auto const bytes = results.payload.bytes;
    if (store_->stride != 0) {
        // Without payload the executors of this node have written in place.
        if (!bytes.empty())
            std::memcpy(store_->base + results.runs.front().first * store_->stride, bytes.data(),
                        bytes.size());
    } else {
        std::size_t at = 0, i = 0;
        for (auto const& run : results.runs)
            for (auto task = run.first; task < run.last; ++task) {
                store_->views[task] = bytes.subspan(at, results.lengths[i]);
                at += results.lengths[i++];
            }
        if (!bytes.empty()) store_->owners.push_back(results.payload.owner);
    }
    for (auto const& run : results.runs) missing_.remove({run.first, run.last});
    for (auto const& failure : results.failures) store_->failures.push_back(error_data(failure, hosts_));
}

void MemorySink::finish(std::function<void(std::exception_ptr)> done) {
    for (auto const& [first, last] : missing_.intervals())
        for (auto task = first; task < last; ++task)
            store_->failures.push_back({.task = task,
                                        .rank = 0,
                                        .host = hosts_[0],
                                        .attempt = 0,
                                        .cause = FailureCause::cancelled,
                                        .message = "the batch was cancelled before the task ran"});
    std::sort(store_->failures.begin(), store_->failures.end(),
              [](auto const& a, auto const& b) { return a.task < b.task; });
    store_.reset();  // once done is called, the memory is its owner's alone: the next map may need it
    done(nullptr);
}

}  // namespace plenum::pool
