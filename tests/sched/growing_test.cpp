// Batches that grow while they run, and batches that take turns.
#include <gmock/gmock.h>

#include <random>
#include <vector>

#include "sched/coordinator.hpp"

namespace plenum::sched {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(TakingTurns, BatchesOfEqualPriorityAlternateBlockByBlock) {
    Coordinator coordinator({.first_block_per_executor = 1});
    coordinator.add_node(0, 1);
    auto const first = coordinator.add_batch({.tasks = 2});
    auto const second = coordinator.add_batch({.tasks = 2});
    auto const urgent = coordinator.add_batch({.tasks = 2, .priority = 1});
    std::vector<BatchId> order;
    for (int i = 0; i < 6; ++i) coordinator.request(0);
    for (auto const& assignment : coordinator.take_assignments()) order.push_back(assignment.batch);
    EXPECT_THAT(order, ElementsAre(urgent, urgent, first, second, first, second));
}

TEST(GrowingBatch, HandsOutWhatComesWithoutARequestAndCompletesAfterTheSeal) {
    Coordinator coordinator({.growing_tasks = 4});
    coordinator.add_node(0, 1);
    auto const batch = coordinator.add_batch({.growing = true});
    EXPECT_THAT(coordinator.take_assignments(), IsEmpty());
    EXPECT_THAT(coordinator.take_completed(), IsEmpty());
    coordinator.extend(batch, 3);
    auto const blocks = coordinator.take_assignments();
    ASSERT_EQ(blocks.size(), 1u);
    EXPECT_EQ(blocks[0].tasks, (Range{0, 3}));
    coordinator.extend(batch, 10);
    auto const more = coordinator.take_assignments();
    ASSERT_EQ(more.size(), 1u);
    EXPECT_EQ(more[0].tasks, (Range{3, 4}));  // the node holds its four
    coordinator.finished(0, blocks[0].block, {0, 3});
    auto const rest = coordinator.take_assignments();
    ASSERT_EQ(rest.size(), 1u);
    EXPECT_EQ(rest[0].tasks, (Range{4, 7}));
    coordinator.seal(batch);
    EXPECT_THROW(coordinator.extend(batch, 1), std::logic_error);
    coordinator.finished(0, more[0].block, {3, 4});
    coordinator.finished(0, rest[0].block, {4, 7});
    auto const last = coordinator.take_assignments();
    ASSERT_EQ(last.size(), 1u);
    EXPECT_EQ(last[0].tasks, (Range{7, 11}));
    coordinator.finished(0, last[0].block, {7, 11});
    EXPECT_THAT(coordinator.take_completed(), IsEmpty());
    auto const end = coordinator.take_assignments();
    ASSERT_EQ(end.size(), 1u);
    coordinator.finished(0, end[0].block, {11, 13});
    EXPECT_THAT(coordinator.take_completed(), ElementsAre(batch));
}

TEST(GrowingBatch, PrefersTheNodeThatOtherBatchesLeaveIdle) {
    Coordinator coordinator;
    coordinator.add_node(0, 1);
    coordinator.add_node(1, 1);
    auto const busy = coordinator.add_batch({.growing = true});
    auto const calls = coordinator.add_batch({.growing = true});
    coordinator.extend(busy, 1);
    auto const first = coordinator.take_assignments().at(0);
    EXPECT_EQ(first.node, 0);
    for (int i = 0; i < 3; ++i) {
        coordinator.extend(calls, 1);
        auto const call = coordinator.take_assignments().at(0);
        EXPECT_EQ(call.node, 1);
        coordinator.finished(1, call.block, call.tasks);
    }
    coordinator.finished(0, first.block, first.tasks);
    coordinator.extend(calls, 1);
    EXPECT_EQ(coordinator.take_assignments().at(0).node, 0);
}

TEST(TakingTurns, ANodeMayAskForABlockOfTheBatchItLacks) {
    Coordinator coordinator({.first_block_per_executor = 1});
    coordinator.add_node(0, 1);
    coordinator.add_node(1, 1);
    auto const first = coordinator.add_batch({.tasks = 4});
    auto const second = coordinator.add_batch({.tasks = 1});
    coordinator.request_of(1, second);
    coordinator.request(0);
    auto const blocks = coordinator.take_assignments();
    ASSERT_EQ(blocks.size(), 2u);
    EXPECT_EQ(blocks[0].node, 1);
    EXPECT_EQ(blocks[0].batch, second);
    EXPECT_TRUE(blocks[0].asked_for);
    EXPECT_EQ(blocks[1].node, 0);
    EXPECT_EQ(blocks[1].batch, first);
    EXPECT_FALSE(blocks[1].asked_for);
    // It waits while the batch has nothing to give, is served when tasks come back, and goes with its node.
    coordinator.request_of(0, second);
    EXPECT_THAT(coordinator.take_assignments(), IsEmpty());
    coordinator.returned(1, blocks[0].block, blocks[0].tasks);
    auto const again = coordinator.take_assignments();
    ASSERT_EQ(again.size(), 1u);
    EXPECT_EQ(again[0].node, 0);
    EXPECT_TRUE(again[0].asked_for);
    coordinator.request_of(1, second);
    coordinator.node_lost(1);
    coordinator.returned(0, again[0].block, again[0].tasks);
    EXPECT_THAT(coordinator.take_assignments(), IsEmpty());
    coordinator.request_of(0, second);
    coordinator.finished(0, coordinator.take_assignments().at(0).block, again[0].tasks);
    EXPECT_THAT(coordinator.take_completed(), ElementsAre(second));
    coordinator.request_of(0, second);  // late: the batch has completed
    EXPECT_THAT(coordinator.take_assignments(), IsEmpty());
}

TEST(GrowingBatch, ShortTasksAreHeldByTheTimeTheyTake) {
    Coordinator coordinator({.growing_seconds = 1e-2, .growing_tasks = 1});
    coordinator.add_node(0, 2);
    auto const batch = coordinator.add_batch({.growing = true});
    coordinator.measured(batch, 0, 1e-4);
    coordinator.extend(batch, 1000);
    auto const blocks = coordinator.take_assignments();
    ASSERT_EQ(blocks.size(), 1u);
    EXPECT_EQ(blocks[0].tasks.size(), 200u);  // 10 ms for each of two executors
}

TEST(GrowingBatch, PausedGivesOutOnlyWhatCameBack) {
    Coordinator coordinator({.growing_tasks = 4});
    coordinator.add_node(0, 1);
    auto const batch = coordinator.add_batch({.growing = true});
    coordinator.extend(batch, 20);
    auto const first = coordinator.take_assignments();
    ASSERT_EQ(first.size(), 1u);
    EXPECT_EQ(first[0].tasks, (Range{0, 4}));
    coordinator.pause(batch, true);
    coordinator.finished(0, first[0].block, {1, 4});
    EXPECT_THAT(coordinator.take_assignments(), IsEmpty());
    coordinator.returned(0, first[0].block, {0, 1});
    auto const again = coordinator.take_assignments();
    ASSERT_EQ(again.size(), 1u);
    EXPECT_EQ(again[0].tasks, (Range{0, 1}));
    coordinator.pause(batch, false);
    EXPECT_EQ(coordinator.take_assignments().at(0).tasks, (Range{4, 7}));
}

TEST(GrowingBatch, NodesShareWhatIsThere) {
    Coordinator coordinator({.growing_tasks = 8});
    coordinator.add_node(0, 1);
    coordinator.add_node(1, 3);
    auto const batch = coordinator.add_batch({.growing = true});
    coordinator.extend(batch, 8);
    (void)coordinator.take_assignments();
    EXPECT_EQ(coordinator.holds(0), 2u);
    EXPECT_EQ(coordinator.holds(1), 6u);
}

TEST(GrowingBatch, DroppedTasksAreThoseThatNobodyHolds) {
    Coordinator coordinator({.growing_tasks = 2});
    coordinator.add_node(0, 1);
    auto const batch = coordinator.add_batch({.growing = true});
    coordinator.extend(batch, 10);
    auto const block = coordinator.take_assignments().at(0);
    EXPECT_EQ(block.tasks, (Range{0, 2}));
    EXPECT_THAT(coordinator.drop(batch, {1, 4}), ElementsAre(Range{2, 4}));
    EXPECT_THAT(coordinator.drop(batch, {6, 7}), ElementsAre(Range{6, 7}));
    EXPECT_THAT(coordinator.drop(batch, {3, 9}), ElementsAre(Range{4, 6}, Range{7, 9}));
    coordinator.finished(0, block.block, {0, 2});
    auto const rest = coordinator.take_assignments().at(0);
    EXPECT_EQ(rest.tasks, (Range{9, 10}));
    coordinator.finished(0, rest.block, {9, 10});
    EXPECT_EQ(coordinator.tasks_finished(batch), 3u);
    coordinator.seal(batch);
    EXPECT_THAT(coordinator.take_completed(), ElementsAre(batch));
}

TEST(GrowingBatch, EveryTaskEndsOnceWhateverHappens) {
    for (unsigned seed = 0; seed < 50; ++seed) {
        std::mt19937 random(seed);
        auto const pick = [&](std::uint64_t n) { return random() % n; };
        Coordinator coordinator({.growing_tasks = 3});
        for (int n = 0; n < 3; ++n) coordinator.add_node(n, n + 1);
        auto const batch = coordinator.add_batch({.growing = true});
        std::uint64_t added = 0;
        std::vector<int> ends;
        std::vector<Assignment> held;
        bool sealed = false, complete = false;
        auto const end_all = [&](Range range) {
            for (auto t = range.first; t < range.last; ++t) ++ends.at(t);
        };
        for (int step = 0; !complete; ++step) {
            if (!sealed && pick(3) == 0) {
                auto const n = pick(9);
                coordinator.extend(batch, n);
                added += n;
                ends.resize(added);
            }
            if (added > 0 && pick(4) == 0) {
                auto const first = pick(added);
                for (auto const& range : coordinator.drop(batch, {first, first + pick(5)})) end_all(range);
            }
            for (auto const& assignment : coordinator.take_assignments()) held.push_back(assignment);
            if (!held.empty()) {
                auto const i = pick(held.size());
                auto const block = held[i];
                held.erase(held.begin() + static_cast<std::ptrdiff_t>(i));
                if (pick(5) == 0) {
                    coordinator.returned(block.node, block.block, block.tasks);
                } else {
                    coordinator.finished(block.node, block.block, block.tasks);
                    end_all(block.tasks);
                }
            }
            if (!sealed && step > 300) {
                sealed = true;
                coordinator.seal(batch);
            }
            complete = !coordinator.take_completed().empty();
            ASSERT_LT(step, 100'000);
        }
        EXPECT_TRUE(held.empty());
        EXPECT_THAT(ends, testing::Each(1)) << "seed " << seed;
    }
}

}  // namespace
}  // namespace plenum::sched
