// How long tasks of a batch take, from what executors have counted.
#pragma once

#include <algorithm>
#include <cmath>

#include "pool/node_layout.hpp"

namespace plenum::pool {

struct TaskTimes {
    std::uint64_t tasks = 0, ns = 0, longest_ns = 0;
    double squares = 0;  ///< sum of the squares of their times, s^2

    void add(ExecutorCell const& cell) {
        tasks += cell.batch_tasks.load(std::memory_order_relaxed);
        ns += cell.batch_ns.load(std::memory_order_relaxed);
        squares += cell.batch_squares.load(std::memory_order_relaxed);
        longest_ns = std::max(longest_ns, cell.batch_longest_ns.load(std::memory_order_relaxed));
    }
    /// Seconds; 0 without tasks.
    [[nodiscard]] double mean() const {
        return tasks == 0 ? 0 : static_cast<double>(ns) * 1e-9 / static_cast<double>(tasks);
    }
    /// Seconds that a task takes with some luck: the longest so far, but one that took very long must not
    /// count as what every other may take.
    [[nodiscard]] double likely_most() const {
        if (tasks == 0) return 0;
        auto const spread = std::sqrt(std::max(0.0, squares / static_cast<double>(tasks) - mean() * mean()));
        return std::min(std::max(mean(), static_cast<double>(longest_ns) * 1e-9), mean() + 3 * spread);
    }
};

}  // namespace plenum::pool
