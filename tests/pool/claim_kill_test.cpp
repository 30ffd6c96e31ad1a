// Executors killed at every step of a claim: no task is lost, none is final twice, one at most is charged.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

#include "pool/node_under_test.hpp"

namespace plenum::pool {
namespace {

using namespace test;
using testing::IsEmpty;

constexpr std::uint64_t most_tasks = 1 << 23;

/// Where an executor stood when it was killed.
enum class Place { outside, announced, claiming, before_task, in_task, after_tasks };

Place place_of(ExecutorCell const& cell) {
    if (cell.slot.load() == 0) return Place::outside;
    if (cell.phase.load() == Phase::idle) return Place::announced;
    if (cell.phase.load() == Phase::claiming) return Place::claiming;
    if (cell.current.load() == cell.last.load()) return Place::after_tasks;
    return cell.current.load() == cell.first.load() ? Place::before_task : Place::in_task;
}

/// A node with batches that differ in their chunks and in the way of their results.
class KilledExecutors : public testing::Test {
protected:
    explicit KilledExecutors(std::uint64_t most_block_tasks)
        : node_({.executors = executors,
                 .bytes = std::size_t{128} << 20,
                 .most_block_tasks = most_block_tasks}) {}

    static constexpr int executors = 3;
    enum class Kind { fixed, ragged, items };

    struct Opened {
        std::uint32_t batch;
        StartCounts starts;
        StopPoint stop;
    };

    Opened open(Kind kind, std::uint64_t unit_ns) {
        StartCounts const starts{node_.place(most_tasks)};
        auto const* const last = reinterpret_cast<std::byte const*>(&node_.node().cell(0).last);
        StopPoint const stop{node_.place(64), static_cast<std::uint64_t>(last - node_.node().base())};
        BatchPlan plan;
        if (kind == Kind::fixed) {
            plan = fixed_batch({.starts = starts, .unit_ns = unit_ns, .stop = stop}, most_tasks);
            plan.technique = sched::Technique::ss;
            plan.chunk_size = unit_ns == 0 ? 1 : 3;
        } else if (kind == Kind::ragged) {
            plan = ragged_batch({.starts = starts, .unit_ns = unit_ns, .stop = stop}, most_tasks);
        } else {
            for (std::uint64_t i = 0; i < 1'000'000; ++i)
                readings_.push_back({i, 0.5 * static_cast<double>(i)});
            plan = item_batch({.starts = starts, .unit_ns = unit_ns, .stop = stop}, readings_);
            plan.technique = sched::Technique::gss;
        }
        return opened_.emplace_back(Opened{node_.open(std::move(plan)), starts, stop});
    }

    /// All that was handed out is final, right and started as often as its fate says.
    void expect_all_accounted(std::uint64_t kills) {
        node_.rank_zero().stop_new_tasks();
        ASSERT_TRUE(node_.finish()) << "tasks are lost";
        EXPECT_THAT(node_.rank_zero().complaints(), IsEmpty());
        std::uint64_t crashes = 0;
        for (auto const& [batch, starts, stop] : opened_) {
            auto const& failures = node_.rank_zero().failures(batch);
            auto const tasks = node_.rank_zero().tasks(batch);
            EXPECT_GT(tasks, 0u);
            for (std::uint64_t task = 0; task < tasks; ++task) {
                auto const failure = failures.find(task);
                bool const crashed =
                    failure != failures.end() && failure->second.cause == FailureCause::crash;
                crashes += crashed ? 1 : 0;
                auto const started = starts.of(task);
                // A task that is charged may not have begun; any other has run once, in spite of all returns.
                ASSERT_TRUE(started == 1 || (crashed && started == 0))
                    << "task " << task << " of batch " << batch << " started " << started << " times";
            }
        }
        EXPECT_LE(crashes, kills);
        RecordProperty("crashes", std::to_string(crashes));
        RecordProperty("returned", std::to_string(node_.rank_zero().returned()));
    }

    NodeUnderTest node_;
    std::vector<Opened> opened_;
    std::vector<Reading> readings_;
};

/// Cell 0 is for the executor that is stepped, from the end of the last task of a chunk over the next claim
/// into the task after; two others work.
class SteppedExecutor : public KilledExecutors, public testing::WithParamInterface<int> {
protected:
    SteppedExecutor() : KilledExecutors(200) {
        executors_.start(1);
        executors_.start(2);
    }

    /// Starts one and waits until it stands at the end of a chunk. False: it cannot be traced.
    [[nodiscard]] bool bring_to_start() {
        if (!executors_.start_traced(0)) return false;
        batch_.stop.ask(executors_.pid(0));
        EXPECT_TRUE(node_.tick_until([&] { return executors_.stopped(0); }));
        return true;
    }
    void step() {
        ASSERT_TRUE(executors_.step(0)) << "the executor ended by itself";
        if (++steps_ % 16 == 0) node_.tick();
    }
    void kill() {
        ++places_[static_cast<std::size_t>(place_of(cell_))];
        executors_.kill(0);
        executors_.reap_killed(0);
        ++kills_;
        ASSERT_TRUE(node_.tick_until([&] { return executors_.vacant(0); })) << "the cell is never free again";
        ASSERT_THAT(node_.rank_zero().complaints(), IsEmpty());
    }
    ExecutorProcesses& executors_ = node_.executors();
    Opened batch_ = open(static_cast<Kind>(GetParam()), 100'000);
    ExecutorCell const& cell_ = node_.node().cell(0);
    std::uint64_t kills_ = 0, steps_ = 0;
    std::array<std::uint64_t, 6> places_{};
};

TEST_P(SteppedExecutor, LosesNoTaskOnTheWayToAClaim) {
    bool claiming = false;
    for (int instructions = 0; !claiming; instructions += std::max(7, instructions / 15)) {
        if (!bring_to_start()) GTEST_SKIP() << "this system does not let a process trace its child";
        for (int i = 0; i < instructions && !claiming; ++i) {
            step();
            claiming = place_of(cell_) == Place::claiming;
        }
        kill();
        if (HasFatalFailure()) return;
    }
    expect_all_accounted(kills_);
    EXPECT_GT(places_[static_cast<std::size_t>(Place::after_tasks)], 0u);
}

TEST_P(SteppedExecutor, LosesNoTaskAtAnyInstructionOfAClaim) {
    // Until the claim was over ten times. A claim has about 40 instructions, each of which is tried; with
    // sanitizers it has many more, and the later ones are tried here and there.
    for (int instructions = 0, beyond = 0; beyond < 10; instructions += 1 + instructions / 60) {
        if (!bring_to_start()) GTEST_SKIP() << "this system does not let a process trace its child";
        while (place_of(cell_) != Place::claiming && !HasFatalFailure()) step();
        auto const claims = cell_.claims.load();
        for (int i = 0; i < instructions; ++i) step();
        if (cell_.claims.load() > claims && cell_.phase.load() == Phase::owning) ++beyond;
        kill();
        if (HasFatalFailure()) return;
    }
    expect_all_accounted(kills_);
    EXPECT_GT(places_[static_cast<std::size_t>(Place::claiming)], 0u);
    EXPECT_GT(places_[static_cast<std::size_t>(Place::before_task)], 0u);
    EXPECT_GT(node_.rank_zero().returned(), 0u) << "no claim was lost";
}

INSTANTIATE_TEST_SUITE_P(Kinds, SteppedExecutor, testing::Values(0, 1, 2), [](auto const& test) {
    return std::string(std::array{"Fixed", "Ragged", "Items"}[static_cast<std::size_t>(test.param)]);
});

class ExecutorsKilledAtRandom : public KilledExecutors, public testing::WithParamInterface<unsigned> {
protected:
    ExecutorsKilledAtRandom() : KilledExecutors(20'000) {}
};

/// All kinds of batches in turn, tasks so short that much of the time goes into claims; no executor is safe.
TEST_P(ExecutorsKilledAtRandom, LoseNoTask) {
    for (auto const kind : {Kind::fixed, Kind::ragged, Kind::items}) open(kind, 0);
    std::mt19937 random(GetParam());
    auto const below = [&random](std::uint64_t n) {
        return std::uniform_int_distribution<std::uint64_t>(0, n - 1)(random);
    };
    std::array<std::uint64_t, executors> due{}, claims{};  // when to kill; claims seen at the start
    std::uint64_t kills = 0;
    auto const look_after = [&](int index) {
        auto const i = static_cast<std::size_t>(index);
        auto& victims = node_.executors();
        auto const& cell = node_.node().cell(index);
        auto const now = base::now_ns();
        if (victims.vacant(index)) {
            claims[i] = cell.claims.load();
            victims.start(index);
            due[i] = now + 20'000'000;  // without any claim
        } else if (victims.running(index) && claims[i] != UINT64_MAX && cell.claims.load() != claims[i]) {
            claims[i] = UINT64_MAX;
            due[i] = now + below(100'000);
        } else if (victims.running(index) && now >= due[i]) {
            bool const all = below(8) == 0;
            for (int k = all ? 0 : index; k < (all ? executors : index + 1); ++k) {
                if (!victims.running(k)) continue;
                victims.kill(k);
                due[static_cast<std::size_t>(k)] = UINT64_MAX;
                ++kills;
            }
        }
    };
    ASSERT_TRUE(node_.tick_until([&] {
        node_.executors().reap();
        for (int i = 0; i < executors; ++i) look_after(i);
        return kills >= 600;
    })) << "only "
        << kills << " executors were killed";
    expect_all_accounted(kills);
}

INSTANTIATE_TEST_SUITE_P(Seeds, ExecutorsKilledAtRandom, testing::Values(1u, 2u, 3u, 4u));

}  // namespace
}  // namespace plenum::pool
