// Leader and executors together, without MPI: each task exactly once, right results, whatever the technique.
#include "pool/leader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <tuple>

#include "base/memory_limits.hpp"
#include "pool/node_under_test.hpp"
#include "pool/result_ring.hpp"

namespace plenum::pool {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::IsEmpty;

void expect_each_started_once(StartCounts const& starts, std::uint64_t tasks) {
    for (std::uint64_t task = 0; task < tasks; ++task)
        ASSERT_EQ(starts.of(task), 1u) << "task " << task << " of " << tasks;
}

class EveryTechnique : public testing::TestWithParam<std::tuple<sched::Technique, std::uint64_t>> {
protected:
    void run(BatchPlan plan, StartCounts const& starts, std::uint64_t failures) {
        plan.technique = std::get<0>(GetParam());
        plan.chunk_size = std::get<1>(GetParam());
        auto const batch = node_.open(std::move(plan));
        node_.start_executors();
        ASSERT_TRUE(node_.finish());
        EXPECT_THAT(node_.rank_zero().complaints(), IsEmpty());
        EXPECT_EQ(node_.rank_zero().tasks(batch), tasks);
        EXPECT_EQ(node_.rank_zero().failures(batch).size(), failures);
        EXPECT_EQ(node_.rank_zero().returned(), 0u);
        EXPECT_EQ(node_.rank_zero().timed(batch), tasks);
        expect_each_started_once(starts, tasks);
    }
    static std::uint64_t count_unwanted(std::uint64_t first_tasks) {
        std::uint64_t count = 0;
        for (std::uint64_t task = 0; task < first_tasks; ++task) count += unwanted(task) ? 1 : 0;
        return count;
    }

    static constexpr std::uint64_t tasks = 2500;
    NodeUnderTest node_{{}};
    StartCounts starts_{node_.place(tasks)};
};

TEST_P(EveryTechnique, RunsTasksWithResultsOfFixedSizeOnce) {
    run(fixed_batch({.starts = starts_}, tasks), starts_, count_unwanted(tasks));
}

TEST_P(EveryTechnique, RunsTasksWithResultsOfVaryingLengthOnce) {
    run(ragged_batch({.starts = starts_}, tasks), starts_, count_unwanted(tasks));
}

TEST_P(EveryTechnique, RunsTasksThatWriteInPlaceOnce) {
    run({.request = detail::request_for<InPlaceTask, detail::IndexItem>({.starts = starts_}, tasks, {3}),
         .expected =
             [](std::uint64_t i) {
                 return bytes_of(std::vector{InPlaceTask::expected(i, 0), InPlaceTask::expected(i, 1),
                                             InPlaceTask::expected(i, 2)});
             }},
        starts_, 0);
}

TEST_P(EveryTechnique, RunsTasksWithItemsOfFixedSizeOnce) {
    std::vector<Reading> readings;
    for (std::uint64_t i = 0; i < tasks; ++i) readings.push_back({i, 0.5 * static_cast<double>(i)});
    run(item_batch({.starts = starts_}, readings), starts_, 0);
}

TEST_P(EveryTechnique, RunsTasksWithItemsOfVaryingSizeOnce) {
    std::vector<std::string> texts;
    for (std::uint64_t i = 0; i < tasks; ++i) texts.push_back(std::to_string(i) + std::string(i % 50, '.'));
    BatchPlan plan{.request = detail::request_for<TextTask, std::string>({.starts = starts_}, tasks, {}),
                   .expected = [&texts](std::uint64_t i) {
                       Bytes bytes;
                       encode(TextTask::expected(texts[i]), bytes);
                       return bytes;
                   }};
    detail::ItemsHolder const items(texts);
    items.fill(plan.request);
    run(std::move(plan), starts_, 0);
}

INSTANTIATE_TEST_SUITE_P(Techniques, EveryTechnique,
                         testing::Combine(testing::ValuesIn([] {
                                              std::vector<sched::Technique> all;
                                              for (auto const& entry : sched::techniques())
                                                  all.push_back(entry.technique);
                                              return all;
                                          }()),
                                          testing::Values(0u, 1u, 7u, 1000u)),
                         [](auto const& test) {
                             return std::string(sched::name_of(std::get<0>(test.param))) + "_" +
                                    std::to_string(std::get<1>(test.param));
                         });

TEST(Leader, RunsSeveralBatchesAtOnce) {
    NodeUnderTest node({.executors = 3});
    std::vector<StartCounts> starts;
    for (std::uint64_t i = 0; i < 4; ++i) {
        starts.push_back({node.place(4000)});
        node.open(fixed_batch({.starts = starts.back()}, 2000 + 500 * i));
    }
    node.start_executors();
    ASSERT_TRUE(node.finish());
    EXPECT_THAT(node.rank_zero().complaints(), IsEmpty());
    for (std::uint64_t i = 0; i < 4; ++i) expect_each_started_once(starts[i], 2000 + 500 * i);
}

TEST(Leader, ServesOtherBatchesWhileTheTasksOfOneWaitForPermits) {
    NodeUnderTest node({.executors = 4});
    StartCounts const gated{node.place(20)}, others{node.place(3000)};
    auto const gate = node.place(64);
    BatchPlan plan{.request = detail::request_for<GatedTask, detail::IndexItem>(
                       {.starts = gated, .gate_offset = gate}, 20, {}),
                   .technique = sched::Technique::ss,
                   .expected = [](std::uint64_t i) { return bytes_of(std::vector{FixedTask::expected(i)}); }};
    plan.request.running_per_node = 2;
    auto const limited = node.open(std::move(plan));
    auto const other = node.open(fixed_batch({.starts = others}, 3000));
    node.start_executors();
    ASSERT_TRUE(node.tick_until([&] { return node.rank_zero().final_tasks(other) == 3000; }));
    EXPECT_EQ(node.rank_zero().final_tasks(limited), 0u);
    unsigned started = 0;
    for (std::uint64_t task = 0; task < 20; ++task) started += gated.of(task);
    EXPECT_EQ(started, 2u);
    // Those that hold the permits die: others take their place.
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 4; ++i)
            if (node.node().cell(i).slot != 0) node.executors().kill(i);
        auto const before = node.rank_zero().final_tasks(limited);
        ASSERT_TRUE(node.tick_until([&] {
            node.executors().reap();
            for (int i = 0; i < 4; ++i)
                if (node.executors().vacant(i)) node.executors().start(i);
            return node.rank_zero().final_tasks(limited) == before + 2;
        }));
    }
    GatedTask::gate(gate).store(1, std::memory_order_release);
    ASSERT_TRUE(node.finish());
    EXPECT_THAT(node.rank_zero().complaints(), IsEmpty());
    EXPECT_EQ(node.rank_zero().failures(limited).size(), 6u);
    expect_each_started_once(gated, 20);
    expect_each_started_once(others, 3000);
}

TEST(Leader, RunsEachTaskOnceOnExecutorsThatAreRenewed) {
    for (auto const technique : {sched::Technique::automatic, sched::Technique::ss, sched::Technique::gss}) {
        NodeUnderTest node({.executors = 3});
        StartCounts const starts{node.place(400)};
        auto plan = fixed_batch({.starts = starts}, 400);
        plan.technique = technique;
        plan.request.tasks_per_executor = 7;
        auto const batch = node.open(std::move(plan));
        node.start_executors();
        ASSERT_TRUE(node.finish());
        EXPECT_THAT(node.rank_zero().complaints(), IsEmpty());
        EXPECT_EQ(node.rank_zero().returned(), 0u);
        EXPECT_EQ(node.rank_zero().timed(batch), 400u);
        expect_each_started_once(starts, 400);
    }
}

TEST(Leader, IsWokenByTheLastExecutorEvenIfThatCameTooLateForATask) {
    NodeUnderTest node({});
    auto& executors = node.executors();
    StartCounts const starts{node.place(1)};
    node.open(fixed_batch({.starts = starts}, 1));
    ASSERT_TRUE(node.tick_until([&] { return node.node().slot(0).state.load() == SlotState::posted; }));
    if (!executors.start_stopped(0)) GTEST_SKIP() << "this system does not let a process trace its child";
    while (node.node().cell(0).phase.load() != Phase::claiming) ASSERT_TRUE(executors.step(0));

    executors.start(1);
    ASSERT_TRUE(node.tick_until(
        [&] { return node.node().cell(1).tasks_done.load() == 1 && node.node().cell(1).slot.load() == 0; }));
    executors.kill(1);  // so that nobody else rings from now on
    executors.reap_killed(1);
    ASSERT_TRUE(node.tick_until([&] { return executors.vacant(1); }));
    node.bell().drain();
    EXPECT_FALSE(node.rank_zero().all_final());
    ASSERT_TRUE(executors.resume(0));
    pollfd waiting{.fd = node.bell().fd(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&waiting, 1, 30'000), 1) << "the leader sleeps on";
    EXPECT_TRUE(node.finish());
    EXPECT_THAT(node.rank_zero().complaints(), IsEmpty());
}

TEST(Leader, LeavesDirectResultsWhereTheyAre) {
    NodeUnderTest node({});
    StartCounts const starts{node.place(1000)};
    auto const offset = node.place(1000 * sizeof(std::uint64_t));
    auto plan = fixed_batch({.starts = starts}, 1000);
    plan.direct_offset = offset;
    node.open(std::move(plan));
    node.start_executors();
    ASSERT_TRUE(node.finish());
    EXPECT_THAT(node.rank_zero().complaints(), IsEmpty());
    auto const* const results = node.node().at<std::uint64_t>(offset);
    for (std::uint64_t i = 0; i < 1000; ++i)
        if (!unwanted(i)) {
            ASSERT_EQ(results[i], FixedTask::expected(i));
        }
}

TEST(Leader, GivesItsMemoryBack) {
    NodeUnderTest node({});
    StartCounts const starts{node.place(20'000)};
    node.open(fixed_batch({.starts = starts}, 20'000));
    node.start_executors();
    ASSERT_TRUE(node.finish());
    // The page with the function object stays until the batch is closed.
    EXPECT_TRUE(node.tick_until([&] { return node.segments().used() == base::page_size(); }));
}

/// Task 0 waits until the test has seen what it wants to see, so that its block stays unfinished.
struct WaitingTask {
    StartCounts starts, seen;
    std::uint64_t operator()(std::uint64_t task) const {
        starts.note(task);
        while (task == 0 && seen.of(0) == 0) ::usleep(1000);
        return FixedTask::expected(task);
    }
};

TEST(Leader, SendsWhatIsFinalWhileOneTaskTakesLong) {
    NodeUnderTest node({.least_block_tasks = 50, .most_block_tasks = 50});
    StartCounts const starts{node.place(50)}, seen{node.place(1)};
    BatchPlan plan{.request = detail::request_for<WaitingTask, detail::IndexItem>({starts, seen}, 50, {}),
                   .technique = sched::Technique::ss,
                   .expected = [](std::uint64_t i) { return bytes_of(std::vector{FixedTask::expected(i)}); }};
    node.open(std::move(plan));
    node.start_executors();
    ASSERT_TRUE(node.tick_until([&] { return node.rank_zero().partial_messages() > 0; }));
    EXPECT_FALSE(node.rank_zero().all_final());
    seen.note(0);
    ASSERT_TRUE(node.finish());
    EXPECT_THAT(node.rank_zero().complaints(), IsEmpty());
    expect_each_started_once(starts, 50);
}

TEST(Leader, PassesMoreThroughTheRingsThanTheyHold) {
    NodeUnderTest node({.bytes = 8 << 20, .most_block_tasks = 1000});
    auto const ring = node.node().header().ring_bytes;
    constexpr std::uint64_t tasks = 3000;
    StartCounts const starts{node.place(tasks)};
    RaggedTask const task{.starts = starts, .longest = ring_record_limit(ring) / sizeof(std::uint32_t)};
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < tasks; ++i) sum += RaggedTask::expected(i, task.longest).size() * 4;
    ASSERT_GT(sum, 20 * ring);
    node.open(ragged_batch(task, tasks));
    node.start_executors();
    ASSERT_TRUE(node.finish());
    EXPECT_THAT(node.rank_zero().complaints(), IsEmpty());
    expect_each_started_once(starts, tasks);
}

TEST(Leader, WaitsForMemoryThatRankZeroHolds) {
    NodeUnderTest node({.bytes = 8 << 20});
    auto const scratch = node.node().header().scratch_end - node.node().header().scratch_begin;
    constexpr std::uint64_t tasks = 40'000, numbers = 100;
    ASSERT_GT(tasks * numbers * sizeof(double), 4 * scratch);
    StartCounts const starts{node.place(tasks)};
    node.rank_zero().keep_payloads(true);
    BatchPlan plan{
        .request = detail::request_for<InPlaceTask, detail::IndexItem>({.starts = starts}, tasks, {numbers}),
        .expected = [](std::uint64_t i) {
            std::vector<double> values;
            for (std::size_t k = 0; k < numbers; ++k) values.push_back(InPlaceTask::expected(i, k));
            return bytes_of(values);
        }};
    node.open(std::move(plan));
    node.start_executors();
    ASSERT_TRUE(node.tick_until([&] { return node.segments().used() > scratch / 2; }));
    auto const full_until = base::now_ns() + 300'000'000;
    ASSERT_TRUE(node.tick_until([&] { return base::now_ns() > full_until; }));
    EXPECT_FALSE(node.rank_zero().all_final());
    EXPECT_GT(node.segments().used(), scratch / 2);
    node.rank_zero().keep_payloads(false);
    ASSERT_TRUE(node.finish());
    EXPECT_THAT(node.rank_zero().complaints(), IsEmpty());
    expect_each_started_once(starts, tasks);
}

/// One result that no ring can carry.
struct HugeTask {
    std::uint64_t bytes;
    std::vector<std::uint8_t> operator()(std::uint64_t task) const {
        return std::vector<std::uint8_t>(task == 5 ? bytes : 8, static_cast<std::uint8_t>(task));
    }
};

TEST(Leader, FailsATaskWhoseResultIsLargerThanTheRing) {
    NodeUnderTest node({.bytes = 8 << 20});
    HugeTask const task{ring_record_limit(node.node().header().ring_bytes) + 1};
    auto const batch =
        node.open({.request = detail::request_for<HugeTask, detail::IndexItem>(task, 10, {}),
                   .expected = [](std::uint64_t i) {
                       return bytes_of(std::vector<std::uint8_t>(8, static_cast<std::uint8_t>(i)));
                   }});
    node.start_executors();
    ASSERT_TRUE(node.finish());
    auto const& failures = node.rank_zero().failures(batch);
    ASSERT_EQ(failures.size(), 1u);
    EXPECT_EQ(failures.begin()->first, 5u);
    EXPECT_THAT(failures.begin()->second.message, HasSubstr("--node-memory"));
    EXPECT_EQ(failures.begin()->second.cause, FailureCause::exception);
}

/// Ends its executor in several ways.
struct DeadlyTask {
    StartCounts starts;
    std::uint64_t operator()(std::uint64_t task) const {
        starts.note(task);
        if (task == 10) ::_exit(3);
        if (task == 20) ::raise(SIGKILL);
        if (task == 30) std::abort();
        return FixedTask::expected(task);
    }
};

class DeadlyTasks : public testing::TestWithParam<std::uint64_t> {};

TEST_P(DeadlyTasks, AreChargedAloneAndNamed) {
    NodeUnderTest node({.most_block_tasks = 60});
    StartCounts const starts{node.place(200)};
    auto const batch = node.open(
        {.request = detail::request_for<DeadlyTask, detail::IndexItem>({starts}, 200, {}),
         .chunk_size = GetParam(),
         .expected = [](std::uint64_t i) { return bytes_of(std::vector{FixedTask::expected(i)}); }});
    node.start_executors();
    ASSERT_TRUE(node.finish());
    EXPECT_THAT(node.rank_zero().complaints(), IsEmpty());
    expect_each_started_once(starts, 200);
    auto const& failures = node.rank_zero().failures(batch);
    ASSERT_EQ(failures.size(), 3u);
    EXPECT_THAT(failures.at(10).message, HasSubstr("exit(3)"));
    EXPECT_THAT(failures.at(20).message, HasSubstr("signal 9"));
    EXPECT_THAT(failures.at(30).message, HasSubstr("signal 6"));
    for (auto const& [task, failure] : failures) EXPECT_EQ(failure.cause, FailureCause::crash);
}

INSTANTIATE_TEST_SUITE_P(ChunkSizes, DeadlyTasks, testing::Values(0u, 1u, 8u, 100u));

}  // namespace
}  // namespace plenum::pool
