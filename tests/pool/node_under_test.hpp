// A node without MPI: memory, leader, executors and a pretended rank 0, driven step by step by the test.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "base/clock.hpp"
#include "base/doorbell.hpp"
#include "comm/shared_mapping.hpp"
#include "pool/executor_processes.hpp"
#include "pool/leader.hpp"
#include "pool/node_base.hpp"
#include "pool/rank_zero.hpp"
#include "pool/test_tasks.hpp"

namespace plenum::pool::test {

class NodeUnderTest {
public:
    struct Options {
        int executors = 2;
        std::size_t bytes = std::size_t{64} << 20;
        std::uint64_t least_block_tasks = 1, most_block_tasks = 300;
        int nodes = 1;
    };

    explicit NodeUnderTest(Options options)
        : memory_(options.bytes),
          node_(formatted(memory_, options.executors, bell_)),
          segments_(node_, node_.header().scratch_begin, node_.header().scratch_end, std::uint64_t{64} << 20,
                    bell_.address()),
          rank_zero_(options.least_block_tasks, options.most_block_tasks),
          leader_(node_, {.node = 0, .nodes = options.nodes, .is_rank_zero = true}, segments_,
                  [this](wire::Message message) { sent_.push_back(std::move(message)); }),
          executors_(node_, bell_.address()),
          next_array_(node_.header().arrays_begin) {}

    /// Room among the shared arrays, zeroed.
    [[nodiscard]] std::uint64_t place(std::uint64_t bytes) {
        return std::exchange(next_array_, next_array_ + (bytes + 63) / 64 * 64);
    }
    std::uint32_t open(BatchPlan plan) { return rank_zero_.open(leader_, std::move(plan)); }
    void start_executors() {
        for (int i = 0; i < node_.header().executors; ++i) executors_.start(i);
    }
    /// One round of the leader and of rank 0.
    void tick() {
        leader_.tick();
        for (; !sent_.empty(); sent_.pop_front()) rank_zero_.take(std::move(sent_.front()));
        rank_zero_.answer(leader_);
    }
    /// Rounds until `done`; false after three minutes, in which even a busy machine gets there with
    /// sanitizers.
    template <class Done>
    [[nodiscard]] bool tick_until(Done&& done) {
        for (auto const end = base::now_ns() + 180'000'000'000u; base::now_ns() < end;) {
            tick();
            if (done()) return true;
        }
        return false;
    }
    /// Starts executors again where one has died, until all tasks are final; false as tick_until().
    [[nodiscard]] bool finish() {
        return tick_until([this] {
            executors_.reap();
            for (int i = 0; i < node_.header().executors; ++i)
                if (executors_.vacant(i)) executors_.start(i);
            return rank_zero_.all_final();
        });
    }

    [[nodiscard]] NodeView const& node() const noexcept { return node_; }
    [[nodiscard]] RankZero& rank_zero() noexcept { return rank_zero_; }
    [[nodiscard]] ExecutorProcesses& executors() noexcept { return executors_; }
    /// Rung for the leader, and for the parents of the executors.
    [[nodiscard]] base::Doorbell& bell() noexcept { return bell_; }
    [[nodiscard]] SegmentPool& segments() noexcept { return segments_; }

private:
    static NodeView formatted(comm::SharedMapping const& memory, int executors, base::Doorbell const& bell) {
        NodeView node({memory.base(), memory.bytes()});
        node.format(executors, executors, base::now_ns());
        node.header().leader_bell = bell.address();
        set_node_base(memory.base());
        return node;
    }

    comm::SharedMapping memory_;
    base::Doorbell bell_;
    NodeView node_;
    SegmentPool segments_;
    std::deque<wire::Message> sent_;
    RankZero rank_zero_;
    Leader leader_;
    ExecutorProcesses executors_;
    std::uint64_t next_array_;
};

// ---- batches of the test tasks, with what they have to give ----

[[nodiscard]] inline BatchPlan fixed_batch(FixedTask const& task, std::uint64_t tasks) {
    return {.request = detail::request_for<FixedTask, detail::IndexItem>(task, tasks, {}),
            .expected = [](std::uint64_t i) -> std::optional<Bytes> {
                if (unwanted(i)) return std::nullopt;
                return bytes_of(std::vector{FixedTask::expected(i)});
            }};
}

[[nodiscard]] inline BatchPlan ragged_batch(RaggedTask const& task, std::uint64_t tasks) {
    return {.request = detail::request_for<RaggedTask, detail::IndexItem>(task, tasks, {}),
            .expected = [longest = task.longest](std::uint64_t i) -> std::optional<Bytes> {
                if (unwanted(i)) return std::nullopt;
                return bytes_of(RaggedTask::expected(i, longest));
            }};
}

/// `readings` stays where it is.
[[nodiscard]] inline BatchPlan item_batch(ItemTask const& task, std::vector<Reading> const& readings) {
    BatchPlan plan{
        .request = detail::request_for<ItemTask, Reading>(task, readings.size(), {}),
        .expected = [&readings](std::uint64_t i) { return bytes_of(std::vector{2 * readings[i].value}); }};
    detail::ItemsHolder(readings).fill(plan.request);
    return plan;
}

}  // namespace plenum::pool::test
