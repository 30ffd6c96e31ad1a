// What an observer of the coordinator knows about each task of a simulation.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "sched/coordinator.hpp"

namespace plenum::sched {

/// The owner of each task. Violations are test failures.
class Ledger {
public:
    void add_batch(BatchId batch, std::uint64_t tasks) { owners_[batch].assign(tasks, unassigned); }
    void cancel(BatchId batch) { cancelled_.insert(batch); }

    void assign(Assignment const& given) {
        EXPECT_FALSE(cancelled_.contains(given.batch)) << "batch " << given.batch << " was cancelled";
        EXPECT_TRUE(given.block >= next_block_) << "block number " << given.block << " again";
        next_block_ = given.block + 1;
        move(given.batch, given.tasks, unassigned, given.node);
    }
    void finish(Assignment const& from, Range tasks) { move(from.batch, tasks, from.node, finished); }
    void put_back(Assignment const& from, Range tasks) { move(from.batch, tasks, from.node, unassigned); }
    void lose(NodeId node) {
        for (auto& [batch, owners] : owners_) std::ranges::replace(owners, node, unassigned);
    }
    void complete(BatchId batch, std::uint64_t reported_finished) {
        EXPECT_TRUE(completed_.insert(batch).second) << "batch " << batch << " completed twice";
        auto const& owners = owners_.at(batch);
        auto const done = std::ranges::count(owners, finished);
        EXPECT_EQ(static_cast<std::uint64_t>(done), reported_finished);
        auto const held = std::ranges::count_if(owners, [](NodeId owner) { return owner >= 0; });
        EXPECT_EQ(held, 0) << "batch " << batch << " completed while nodes hold tasks";
        if (!cancelled_.contains(batch)) {
            EXPECT_EQ(static_cast<std::size_t>(done), owners.size()) << "batch " << batch;
        }
    }
    [[nodiscard]] bool all_completed() const { return completed_.size() == owners_.size(); }

private:
    static constexpr NodeId unassigned = -1, finished = -2;

    void move(BatchId batch, Range tasks, NodeId from, NodeId to) {
        auto& owners = owners_.at(batch);
        ASSERT_LE(tasks.last, owners.size());
        for (auto task = tasks.first; task < tasks.last; ++task) {
            ASSERT_EQ(owners[task], from) << "task " << task << " of batch " << batch << " goes to " << to;
            owners[task] = to;
        }
    }

    std::map<BatchId, std::vector<NodeId>> owners_;
    std::set<BatchId> cancelled_, completed_;
    BlockId next_block_ = 0;
};

}  // namespace plenum::sched
