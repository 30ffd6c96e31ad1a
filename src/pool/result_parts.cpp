#include "pool/result_parts.hpp"

#include <algorithm>
#include <utility>

namespace plenum::pool {
namespace {

/// `run` without those of `tasks` that are in it.
std::vector<wire::TaskRange> gaps(wire::TaskRange run, std::span<std::uint64_t const> tasks) {
    std::vector<wire::TaskRange> left;
    auto first = run.first;
    for (auto task = std::ranges::lower_bound(tasks, run.first); task != tasks.end() && *task < run.last;
         ++task) {
        if (first < *task) left.push_back({first, *task});
        first = *task + 1;
    }
    if (first < run.last) left.push_back({first, run.last});
    return left;
}

/// Their results have no bytes, as they failed: only the rows go.
void drop_rows(wire::BlockResults& results, std::span<std::uint64_t const> tasks) {
    std::vector<wire::TaskRange> runs;
    std::vector<std::uint64_t> lengths;
    auto length = results.lengths.begin();
    for (auto const& run : results.runs) {
        for (auto const& left : gaps(run, tasks)) {
            runs.push_back(left);
            auto const from = length + static_cast<std::ptrdiff_t>(left.first - run.first);
            lengths.insert(lengths.end(), from, from + static_cast<std::ptrdiff_t>(left.count()));
        }
        length += static_cast<std::ptrdiff_t>(run.count());
    }
    results.runs = std::move(runs);
    results.lengths = std::move(lengths);
}

}  // namespace

std::vector<wire::BlockResults> without(wire::BlockResults results, std::span<std::uint64_t const> tasks) {
    std::vector<wire::BlockResults> parts;
    if (tasks.empty() || !results.lengths.empty()) {
        if (!tasks.empty()) drop_rows(results, tasks);
        parts.push_back(std::move(results));
        return parts;
    }
    auto const run = results.runs.front();
    auto const stride = results.payload.bytes.size() / run.count();
    for (auto const& left : gaps(run, tasks)) {
        auto& part = parts.emplace_back();
        part.node = results.node;
        part.batch = results.batch;
        part.block = results.block;
        part.runs = {left};
        std::ranges::copy_if(results.failures, std::back_inserter(part.failures),
                             [&](wire::Failure const& failure) {
                                 return failure.task >= left.first && failure.task < left.last;
                             });
        part.payload = results.payload;
        part.payload.bytes =
            part.payload.bytes.subspan((left.first - run.first) * stride, left.count() * stride);
    }
    if (parts.empty()) parts.emplace_back();
    parts.back().timing = std::move(results.timing);
    return parts;
}

}  // namespace plenum::pool
