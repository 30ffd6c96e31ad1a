// pool.on_each: a function once on each executor.
#include <unistd.h>

#include <cstdint>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "api/pool_test.hpp"

namespace plenum::api_test {
namespace {

TEST(OnEach, RunsOnceOnEveryExecutor) {
    auto const results = pool().on_each([](WorkerContext const& w) { return w; });
    ASSERT_GE(results.size(), static_cast<std::uint64_t>(pool().ranks()));
    std::set<int> ranks, nodes;
    for (std::uint64_t i = 0; i < results.size(); ++i) {
        auto const where = results[i];
        EXPECT_EQ(where.executor, static_cast<int>(i));
        EXPECT_FALSE(where.host.empty());
        ranks.insert(where.rank);
        nodes.insert(where.node);
    }
    EXPECT_EQ(ranks.size(), static_cast<std::size_t>(pool().ranks()));
    EXPECT_EQ(*ranks.begin(), 0);
    EXPECT_EQ(*ranks.rbegin(), pool().ranks() - 1);
    EXPECT_EQ(nodes.size(), static_cast<std::size_t>(pool().nodes()));
}

TEST(OnEach, RunsInAnotherProcessForEachWhenTasksAreIsolated) {
    if (!tasks_are_isolated()) GTEST_SKIP() << "executors are threads";
    auto const pids = pool().on_each([](WorkerContext const&) { return ::getpid(); });
    auto const again = pool().on_each([](WorkerContext const&) { return ::getpid(); });
    for (std::uint64_t i = 0; i < pids.size(); ++i) {
        EXPECT_EQ(pids[i], again[i]) << "executor " << i;
        EXPECT_NE(pids[i], ::getpid());
    }
    if (pool().nodes() == 1) {
        std::set<pid_t> const different(pids.span().begin(), pids.span().end());
        EXPECT_EQ(different.size(), pids.size());
    }
}

TEST(OnEach, GivesResultsOfEveryKind) {
    auto const texts = pool().on_each(
        [](WorkerContext const& w) { return std::string(5, 'a') + std::to_string(w.executor); });
    auto const rows = pool().on_each(
        [](WorkerContext const& w) { return std::vector<double>(4, static_cast<double>(w.executor)); },
        {.shape = {4}});
    for (std::uint64_t i = 0; i < texts.size(); ++i) {
        EXPECT_EQ(texts[i], "aaaaa" + std::to_string(i));
        EXPECT_EQ(rows[i], std::vector<double>(4, static_cast<double>(i)));
    }
}

TEST(OnEach, RaisesOrCollectsExceptions) {
    auto const fail_first = [](WorkerContext const& w) {
        if (w.executor == 0) throw std::runtime_error("not me");
        return w.executor;
    };
    EXPECT_TRUE(contains(message_of<TaskError>([&] { (void)pool().on_each(fail_first); }), "not me"));
    auto const results = pool().on_each(fail_first, {.on_failure = OnFailure::collect});
    ASSERT_EQ(results.failures().size(), 1u);
    for (std::uint64_t i = 1; i < results.size(); ++i) EXPECT_EQ(results[i], static_cast<int>(i));
}

TEST(OnEach, AlternatesWithMaps) {
    for (std::uint64_t round = 0; round < 30; ++round) {
        auto const map = pool().map([round](std::uint64_t i) { return i + round; }, indices(200));
        auto const each = pool().on_each([round](WorkerContext const&) { return round; });
        ASSERT_EQ(map[199], 199 + round);
        for (auto const value : each) ASSERT_EQ(value, round);
    }
}

TEST(OnEach, ChargesEveryExecutorThatCrashes) {
    if (!tasks_are_isolated()) GTEST_SKIP() << "a crash would end the test";
    for (int round = 0; round < 5; ++round) {
        auto const results = pool().on_each(
            [](WorkerContext const& w) {
                if (w.executor % 2 == 1 || w.executor == 0) ::_exit(9);
                return w.executor;
            },
            {.on_failure = OnFailure::collect});
        EXPECT_EQ(results.failures().size(), 1 + results.size() / 2);
        for (auto const& failure : results.failures()) EXPECT_TRUE(contains(failure.message, "exit(9)"));
        for (std::uint64_t i = 2; i < results.size(); i += 2) EXPECT_EQ(results[i], static_cast<int>(i));
    }
}

}  // namespace
}  // namespace plenum::api_test
