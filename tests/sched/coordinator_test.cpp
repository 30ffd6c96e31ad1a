#include "sched/coordinator.hpp"

#include <gmock/gmock.h>

#include <stdexcept>

namespace plenum::sched {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// The single assignment that is due.
Assignment only(Coordinator& coordinator) {
    auto const assignments = coordinator.take_assignments();
    EXPECT_EQ(assignments.size(), 1u);
    return assignments.empty() ? Assignment{} : assignments.front();
}

Assignment next_block(Coordinator& coordinator, NodeId node) {
    coordinator.request(node);
    return only(coordinator);
}

TEST(Coordinator, SingleNodeGetsAllThatRemains) {
    Coordinator coordinator;
    coordinator.add_node(0, 4);
    auto const batch = coordinator.add_batch({.tasks = 1000});
    auto const block = next_block(coordinator, 0);
    EXPECT_EQ(block.tasks, (Range{0, 1000}));
    EXPECT_EQ(block.batch, batch);
    EXPECT_EQ(coordinator.holds(0), 1000u);
    EXPECT_EQ(coordinator.tasks_unassigned(batch), 0u);
    EXPECT_THAT(coordinator.take_completed(), IsEmpty());
    coordinator.finished(0, block.block, {0, 999});
    coordinator.failed(0, block.block, 999);
    EXPECT_EQ(coordinator.tasks_finished(batch), 1000u);
    EXPECT_THAT(coordinator.take_completed(), ElementsAre(batch));
    EXPECT_EQ(coordinator.tasks_finished(batch), 1000u);  // until the next call
    EXPECT_THAT(coordinator.take_completed(), IsEmpty());
    EXPECT_THROW((void)coordinator.tasks_finished(batch), std::logic_error);
}

TEST(Coordinator, ALimitedBatchLeavesRoomForOthers) {
    Coordinator coordinator;
    coordinator.add_node(0, 1);
    auto const limited = coordinator.add_batch({.tasks = 10, .priority = 1, .blocks_per_node = 2});
    coordinator.set_max_block(limited, 0, 1);
    auto const first = next_block(coordinator, 0);
    EXPECT_EQ(first.batch, limited);
    EXPECT_EQ(next_block(coordinator, 0).batch, limited);
    coordinator.request(0);
    EXPECT_THAT(coordinator.take_assignments(), IsEmpty());
    auto const other = coordinator.add_batch({.tasks = 5});
    EXPECT_EQ(only(coordinator).batch, other);
    coordinator.request(0);
    EXPECT_THAT(coordinator.take_assignments(), IsEmpty());
    coordinator.finished(0, first.block, first.tasks);
    EXPECT_EQ(only(coordinator).batch, limited);
}

TEST(Coordinator, BlocksTaperByFactoringInWholeRounds) {
    Coordinator coordinator;
    coordinator.add_node(0, 2);
    coordinator.add_node(1, 6);
    auto const batch = coordinator.add_batch({.tasks = 1000});
    coordinator.measured(batch, 0, 5e-3);
    coordinator.measured(batch, 1, 5e-3);
    EXPECT_EQ(next_block(coordinator, 0).tasks, (Range{0, 126}));    // 1000 * 2 / 16 = 125, in pairs
    EXPECT_EQ(next_block(coordinator, 1).tasks, (Range{126, 456}));  // 874 * 6 / 16 = 327.75, in sixes
    EXPECT_EQ(next_block(coordinator, 0).tasks, (Range{456, 524}));  // 544 * 2 / 16 = 68
}

TEST(Coordinator, ShortTasksComeInBlocksWorthAMessage) {
    Coordinator coordinator({.least_block_seconds = 1e-3});
    coordinator.add_node(0, 2);
    coordinator.add_node(1, 2);
    auto const batch = coordinator.add_batch({.tasks = 1000});
    coordinator.measured(batch, 0, 2e-6 * 1.01);
    EXPECT_EQ(next_block(coordinator, 0).tasks.size(),
              992u);  // 1 ms of 2.02 us tasks on 2 executors, not 250
}

TEST(Coordinator, AtLeastOneTaskPerExecutor) {
    Coordinator coordinator;
    coordinator.add_node(0, 10);
    coordinator.add_node(1, 10);
    (void)coordinator.add_batch({.tasks = 13});
    EXPECT_EQ(next_block(coordinator, 0).tasks, (Range{0, 10}));
    EXPECT_EQ(next_block(coordinator, 1).tasks, (Range{10, 13}));
}

TEST(Coordinator, FasterNodesGetMore) {
    Coordinator coordinator;
    for (NodeId const node : {0, 1, 2}) coordinator.add_node(node, 10);
    auto const batch = coordinator.add_batch({.tasks = 6010});
    coordinator.measured(batch, 0, 1e-3);
    coordinator.measured(batch, 1, 3e-3);
    // Speeds 1000 and 333, mean 667: weights 15 and 5; a quarter of 10 for the node without a measurement.
    EXPECT_EQ(next_block(coordinator, 0).tasks.size(), 1510u);  // 6010 * 15 / 60 = 1502.5
    EXPECT_EQ(next_block(coordinator, 1).tasks.size(), 380u);   // 4500 * 5 / 60 = 375
    EXPECT_EQ(next_block(coordinator, 2).tasks.size(), 180u);   // 4120 * 2.5 / 60 = 171.7
    coordinator.node_lost(0);
    coordinator.node_lost(2);
    EXPECT_EQ(coordinator.tasks_unassigned(batch), 5630u);
}

TEST(Coordinator, MeasurementsAreSmoothed) {
    Coordinator coordinator({.block_seconds = 1});
    coordinator.add_node(0, 1);
    auto const batch = coordinator.add_batch({.tasks = 1'000'000});
    coordinator.measured(batch, 0, 1e-3);
    EXPECT_EQ(next_block(coordinator, 0).tasks.size(), 1000u);
    coordinator.measured(batch, 0, 3e-3);  // mean 2e-3
    EXPECT_EQ(next_block(coordinator, 0).tasks.size(), 500u);
    EXPECT_THROW(coordinator.measured(batch, 0, -1), std::logic_error);
}

TEST(Coordinator, EveryCapHolds) {
    Coordinator coordinator({.max_block_tasks = 5000, .first_block_per_executor = 10, .block_seconds = 0.5});
    coordinator.add_node(0, 4);
    auto const batch = coordinator.add_batch({.tasks = 1'000'000});
    EXPECT_EQ(next_block(coordinator, 0).tasks.size(), 40u);  // unmeasured: a probe
    coordinator.measured(batch, 0, 1e-3);
    EXPECT_EQ(next_block(coordinator, 0).tasks.size(), 2000u);  // 0.5 s of 1 ms tasks on 4 executors
    coordinator.set_max_block(batch, 0, 77);
    EXPECT_EQ(next_block(coordinator, 0).tasks.size(), 77u);  // memory
    coordinator.set_max_block(batch, 0, 1'000'000);
    for (int i = 0; i < 60; ++i) coordinator.measured(batch, 0, 0);
    EXPECT_EQ(next_block(coordinator, 0).tasks.size(), 5000u);  // limit
    for (int i = 0; i < 60; ++i) coordinator.measured(batch, 0, 100);
    EXPECT_EQ(next_block(coordinator, 0).tasks.size(), 4u);  // long tasks: one per executor
}

TEST(Coordinator, NodeWithoutMemoryForABatchGetsAnotherOne) {
    Coordinator coordinator;
    coordinator.add_node(0, 1);
    auto const large = coordinator.add_batch({.tasks = 10, .priority = 1});
    coordinator.set_max_block(large, 0, 0);
    coordinator.request(0);
    EXPECT_THAT(coordinator.take_assignments(), IsEmpty());
    auto const small = coordinator.add_batch({.tasks = 10});
    EXPECT_EQ(only(coordinator).batch, small);
    coordinator.request(0);
    EXPECT_THAT(coordinator.take_assignments(), IsEmpty());
    coordinator.set_max_block(large, 0, 3);
    EXPECT_EQ(only(coordinator).tasks, (Range{0, 3}));
}

TEST(Coordinator, PriorityThenAge) {
    Coordinator coordinator;
    coordinator.add_node(0, 1);
    auto const low = coordinator.add_batch({.tasks = 1, .priority = -1});
    auto const first = coordinator.add_batch({.tasks = 1});
    auto const second = coordinator.add_batch({.tasks = 1});
    auto const urgent = coordinator.add_batch({.tasks = 1, .priority = 5});
    std::vector<BatchId> order;
    for (int i = 0; i < 4; ++i) order.push_back(next_block(coordinator, 0).batch);
    EXPECT_THAT(order, ElementsAre(urgent, first, second, low));
}

TEST(Coordinator, RequestsWaitForWorkInOrder) {
    Coordinator coordinator;
    coordinator.add_node(0, 1);
    coordinator.add_node(1, 1);
    coordinator.request(1);
    coordinator.request(0);
    coordinator.request(1);
    EXPECT_THAT(coordinator.take_assignments(), IsEmpty());
    (void)coordinator.add_batch({.tasks = 100});
    std::vector<NodeId> order;
    for (auto const& assignment : coordinator.take_assignments()) order.push_back(assignment.node);
    EXPECT_THAT(order, ElementsAre(1, 0, 1));
}

TEST(Coordinator, ReturnedTasksGoOutBeforeFreshOnes) {
    Coordinator coordinator({.first_block_per_executor = 10});
    coordinator.add_node(0, 1);
    auto const batch = coordinator.add_batch({.tasks = 100});
    auto const block = next_block(coordinator, 0);
    EXPECT_EQ(block.tasks, (Range{0, 10}));
    coordinator.finished(0, block.block, {0, 2});
    coordinator.returned(0, block.block, {6, 8});
    coordinator.returned(0, block.block, {3, 4});
    EXPECT_EQ(coordinator.tasks_unassigned(batch), 93u);
    EXPECT_EQ(coordinator.holds(0), 5u);
    EXPECT_EQ(next_block(coordinator, 0).tasks, (Range{3, 4}));
    EXPECT_EQ(next_block(coordinator, 0).tasks, (Range{6, 8}));
    EXPECT_EQ(next_block(coordinator, 0).tasks, (Range{10, 20}));
}

TEST(Coordinator, LostNodeGivesBackWhatItDidNotFinish) {
    Coordinator coordinator({.first_block_per_executor = 10});
    coordinator.add_node(0, 1);
    coordinator.add_node(1, 1);
    auto const batch = coordinator.add_batch({.tasks = 1000});
    auto const block = next_block(coordinator, 1);
    coordinator.finished(1, block.block, {2, 5});
    coordinator.request(1);
    coordinator.node_lost(1);
    EXPECT_THAT(coordinator.take_assignments(), IsEmpty());  // its request went with it
    EXPECT_EQ(coordinator.holds(1), 0u);
    EXPECT_EQ(coordinator.tasks_unassigned(batch), 997u);

    coordinator.finished(1, block.block, {0, 1});  // late messages
    coordinator.returned(1, block.block, {1, 2});
    coordinator.measured(batch, 1, 1);
    coordinator.set_max_block(batch, 1, 1);
    coordinator.request(1);
    coordinator.node_lost(1);
    EXPECT_THAT(coordinator.take_assignments(), IsEmpty());
    EXPECT_EQ(coordinator.tasks_finished(batch), 3u);
    EXPECT_EQ(coordinator.tasks_unassigned(batch), 997u);

    coordinator.add_node(1, 1);
    coordinator.finished(1, block.block, {0, 1});  // of its earlier life
    EXPECT_EQ(coordinator.tasks_finished(batch), 3u);
    EXPECT_EQ(next_block(coordinator, 1).tasks, (Range{0, 2}));
    EXPECT_EQ(next_block(coordinator, 0).tasks, (Range{5, 15}));
}

TEST(Coordinator, CancelledBatchCompletesWhenItsBlocksDo) {
    Coordinator coordinator({.first_block_per_executor = 10});
    coordinator.add_node(0, 1);
    coordinator.add_node(1, 1);
    auto const batch = coordinator.add_batch({.tasks = 1000});
    auto const mine = next_block(coordinator, 0);
    auto const lost = next_block(coordinator, 1);
    coordinator.returned(0, mine.block, {0, 1});
    coordinator.cancel(batch);
    EXPECT_EQ(coordinator.tasks_unassigned(batch), 0u);
    coordinator.request(0);
    EXPECT_THAT(coordinator.take_assignments(), IsEmpty());
    coordinator.finished(0, mine.block, {1, 8});
    coordinator.returned(0, mine.block, {8, 10});
    EXPECT_THAT(coordinator.take_completed(), IsEmpty());
    coordinator.node_lost(lost.node);
    EXPECT_THAT(coordinator.take_completed(), ElementsAre(batch));
    EXPECT_EQ(coordinator.tasks_finished(batch), 7u);
    coordinator.cancel(batch);
    EXPECT_THAT(coordinator.take_completed(), IsEmpty());
}

TEST(Coordinator, BatchesWithoutWorkCompleteAtOnce) {
    Coordinator coordinator;
    auto const empty = coordinator.add_batch({.tasks = 0});
    auto const dropped = coordinator.add_batch({.tasks = 5});
    coordinator.cancel(dropped);
    EXPECT_THAT(coordinator.take_completed(), ElementsAre(empty, dropped));
}

TEST(Coordinator, HoldStopsNewAssignmentsOnly) {
    Coordinator coordinator;
    coordinator.add_node(0, 1);
    auto const batch = coordinator.add_batch({.tasks = 10});
    coordinator.set_max_block(batch, 0, 5);
    auto const block = next_block(coordinator, 0);
    coordinator.hold(true);
    coordinator.request(0);
    EXPECT_THAT(coordinator.take_assignments(), IsEmpty());
    coordinator.finished(0, block.block, block.tasks);
    EXPECT_EQ(coordinator.tasks_finished(batch), 5u);
    coordinator.hold(false);
    EXPECT_EQ(only(coordinator).tasks, (Range{5, 10}));
}

template <typename Call>
std::string defect(Call call) {
    try {
        call();
    } catch (std::logic_error const& error) {
        return error.what();
    }
    return "accepted";
}

TEST(Coordinator, DefectsAreNamedAndChangeNothing) {
    Coordinator coordinator({.first_block_per_executor = 10});
    coordinator.add_node(0, 1);
    coordinator.add_node(1, 1);
    auto const batch = coordinator.add_batch({.tasks = 1000});
    auto const block = next_block(coordinator, 0).block;
    coordinator.finished(0, block, {0, 3});
    EXPECT_THAT(defect([&] { coordinator.finished(0, block, {2, 4}); }), HasSubstr("[2, 4) of block 0"));
    EXPECT_THAT(defect([&] { coordinator.returned(0, block, {9, 11}); }), HasSubstr("[9, 11)"));
    EXPECT_THAT(defect([&] { coordinator.returned(0, block, {5, 4}); }), HasSubstr("[5, 4)"));
    EXPECT_THAT(defect([&] { coordinator.finished(1, block, {4, 5}); }), HasSubstr("node 1"));
    coordinator.add_node(3, 1);  // after the block was given out, and never lost
    EXPECT_THAT(defect([&] { coordinator.finished(3, block, {4, 5}); }), HasSubstr("node 3"));
    EXPECT_THAT(defect([&] { coordinator.finished(0, 99, {4, 5}); }), HasSubstr("block 99"));
    EXPECT_THAT(defect([&] { coordinator.request(7); }), HasSubstr("node 7"));
    EXPECT_THAT(defect([&] { coordinator.cancel(8); }), HasSubstr("batch 8"));
    EXPECT_THAT(defect([&] { coordinator.add_node(0, 1); }), HasSubstr("node 0"));
    EXPECT_THAT(defect([&] { coordinator.add_node(2, 0); }), HasSubstr("0 executors"));
    EXPECT_THAT(defect([&] { coordinator.request(2); }), HasSubstr("node 2"));
    EXPECT_THAT(defect([] { Coordinator({.max_block_tasks = 0}); }), HasSubstr("positive"));
    EXPECT_EQ(coordinator.tasks_finished(batch), 3u);
    EXPECT_EQ(coordinator.holds(0), 7u);
    coordinator.finished(0, block, {3, 10});
    EXPECT_THAT(defect([&] { coordinator.finished(0, block, {3, 10}); }), HasSubstr("does not hold"));
}

TEST(Coordinator, HundredBillionTasksNeedOnlyIntervals) {
    constexpr std::uint64_t tasks = 100'000'000'000;
    Coordinator coordinator;
    for (NodeId node = 0; node < 4; ++node) coordinator.add_node(node, 128);
    auto const batch = coordinator.add_batch({.tasks = tasks});
    std::uint64_t blocks = 0;
    while (coordinator.tasks_unassigned(batch) > 0) {
        for (NodeId node = 0; node < 4; ++node) coordinator.request(node);
        for (auto const& given : coordinator.take_assignments()) {
            coordinator.finished(given.node, given.block, given.tasks);
            coordinator.measured(given.batch, given.node, 1e-7);
            ++blocks;
        }
    }
    EXPECT_EQ(coordinator.tasks_finished(batch), tasks);
    EXPECT_THAT(coordinator.take_completed(), ElementsAre(batch));
    EXPECT_GE(blocks, tasks >> 24);
    EXPECT_LE(blocks, 2 * (tasks >> 24));
}

}  // namespace
}  // namespace plenum::sched
