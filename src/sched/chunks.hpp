// How the executors of one node cut a block of consecutive tasks into chunks.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sched/technique.hpp"

namespace plenum::sched {

/// A block's chunks, in a form that executors claim with one atomic fetch_add:
/// - `uniform` > 0: the counter counts tasks and is advanced by `uniform` (the last chunk may be shorter);
/// - `bounds` not empty: the counter counts chunks, and chunk k is the tasks [bounds[k], bounds[k + 1]);
/// - `weighted_least` > 0: the counter counts tasks and each claim is sized by awf_chunk() with that least;
/// - none of these: the counter counts tasks and each claim is sized by auto_chunk().
/// Task numbers are relative to the block.
struct ChunkPlan {
    std::uint64_t uniform = 0;
    std::uint64_t weighted_least = 0;
    std::vector<std::uint64_t> bounds = {};  ///< bounds[0] = 0, strictly increasing, back() = tasks
};

/// The chunks of a block of `tasks` tasks for `executors` (at least 1) executors.
/// `min_chunk` (--chunk-size; 0 = not given) is the size of the chunks of automatic and ss, and the least
/// size for the others; only the last chunk can be smaller. A table gets at most `max_chunks` (at least 1)
/// chunks: where a taper would need more, its least size is doubled until it fits. Cost: proportional to the
/// chunks of a table, O(P log(tasks / P)) for gss and fac2, O(P) for tss. Throws std::logic_error when
/// `executors` or `max_chunks` is less than 1.
[[nodiscard]] ChunkPlan plan_chunks(Technique technique, std::uint64_t tasks, int executors,
                                    std::uint64_t min_chunk, std::size_t max_chunks);

/// The size of one claim of the automatic technique: as many tasks as take `target_ns`, at least one, and at
/// most half of an even share of what remains. One task while the mean is unknown (0). `executors` is at
/// least 1.
[[nodiscard]] inline std::uint64_t auto_chunk(std::uint64_t mean_task_ns, std::uint64_t remaining,
                                              int executors, std::uint64_t target_ns = 100'000) noexcept {
    if (mean_task_ns == 0) return 1;
    auto const most = std::max<std::uint64_t>(1, remaining / (2 * static_cast<std::uint64_t>(executors)));
    return std::clamp<std::uint64_t>(target_ns / mean_task_ns, 1, most);
}

/// The speed of one executor relative to the mean of the `measured` executors whose speeds sum to
/// `sum_of_speeds`, its own among them; 1 while its own is unknown (0).
[[nodiscard]] inline double awf_weight(double own_speed, double sum_of_speeds, int measured) noexcept {
    return own_speed > 0 ? own_speed * measured / sum_of_speeds : 1;
}

/// The size of one claim of adaptive weighted factoring (variant AWF-C: weights and what remains are looked
/// at anew for every chunk): an even share of half of what remains, times the executor's weight, and at least
/// `least`. `executors` is at least 1, `weight` finite and not negative.
[[nodiscard]] inline std::uint64_t awf_chunk(std::uint64_t remaining, int executors, double weight,
                                             std::uint64_t least) noexcept {
    auto const share = std::ceil(static_cast<double>(remaining) * weight / (2.0 * executors));
    return std::max(least, static_cast<std::uint64_t>(std::min(share, static_cast<double>(remaining))));
}

}  // namespace plenum::sched
