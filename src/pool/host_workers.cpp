// Rank 0's side of what concerns each executor: batches with a task for each, and what worker states left.
#include <fmt/format.h>

#include <algorithm>
#include <plenum/error.hpp>

#include "pool/host.hpp"

namespace plenum::pool {

int Host::executors() const noexcept {
    int sum = 0;
    for (int n = 0; n < topology_.nodes; ++n) sum += executors_on(n);
    return sum;
}

void Host::begin_on_each(Batch batch, std::vector<std::uint64_t> const& most) {
    for (int n = 0; n < topology_.nodes; ++n)
        if (auto const fit = most[static_cast<std::size_t>(n)];
            fit < static_cast<std::uint64_t>(executors_on(n)))
            throw EnvironmentError(
                fmt::format("a result from each of {} executors of a node does not fit into its memory (only "
                            "{} do); give "
                            "more with --node-memory, or return less",
                            executors_on(n), fit));
    std::lock_guard const lock(scheduling_);
    auto const id = next_on_each_++;
    batch.opened.batch = batch.work->id = id;
    batch.announced = true;  // together with its only blocks
    ++active_;
    post([this, open = batch.opened] {
        std::uint64_t first = 0;
        for (int n = 0; n < topology_.nodes; ++n) {
            auto const leader = topology_.leaders[static_cast<std::size_t>(n)];
            auto const last = first + static_cast<std::uint64_t>(executors_on(n));
            send_(leader, open);
            send_(leader, wire::AssignBlock{.batch = open.batch,
                                            .block = static_cast<std::uint64_t>(n),
                                            .tasks = {first, last},
                                            .payload = {}});
            first = last;
        }
    });
    batches_.emplace(id, std::move(batch));
}

void Host::take_on_each(wire::BlockResults results) {
    auto const id = results.batch;
    auto& batch = batches_.at(id);
    for (auto const& run : results.runs) batch.final_tasks += run.count();
    if (!results.runs.empty()) batch.work->sink->take(std::move(results));
    if (batch.final_tasks == batch.tasks) complete(id);
}

void Host::on(wire::ExitResult const& result) {
    auto record = decode<detail::ExitRecord>(result.payload.bytes);
    std::lock_guard const lock(mutex_);
    auto& records = exit_records_[result.state];
    auto const of_same = [&](ExitRecord const& other) {
        return other.begun && other.record.where.executor == record.where.executor;
    };
    // The end takes the place of the beginning. A beginning without an end stays: its executor crashed there.
    auto const beginning = std::find_if(records.rbegin(), records.rend(), of_same);
    if (!result.begun && beginning != records.rend())
        *beginning = {std::move(record), false};
    else
        records.push_back({std::move(record), result.begun});
}

std::vector<detail::ExitRecord> Host::take_exit_records(std::uint64_t state) {
    std::lock_guard const lock(mutex_);
    std::vector<detail::ExitRecord> records;
    for (auto& [record, begun] : exit_records_[state]) records.push_back(std::move(record));
    exit_records_.erase(state);
    return records;
}

}  // namespace plenum::pool
