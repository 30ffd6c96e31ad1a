// How the executors of one node cut a block of consecutive tasks into chunks.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sched/technique.hpp"

namespace plenum::sched {

/// A block's chunks, in a form that executors claim with one atomic fetch_add:
/// - `uniform` > 0: the counter counts tasks and is advanced by `uniform` (the last chunk may be shorter);
/// - `bounds` not empty: the counter counts chunks, and chunk k is the tasks [bounds[k], bounds[k + 1]);
/// - neither: the counter counts tasks and each claim is sized by auto_chunk().
/// Task numbers are relative to the block.
struct ChunkPlan {
    std::uint64_t uniform = 0;
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

}  // namespace plenum::sched
