// A limit on the tasks of a map that run at the same time on a node.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>

#include "api/meeting.hpp"
#include "api/pool_test.hpp"

namespace plenum::api_test {
namespace {

/// Counts how many of its kind are at work, at most.
struct Busy {
    std::string path;
    std::uint64_t crash_every = 0;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(path, crash_every);
    }
    std::uint64_t operator()(std::uint64_t task) const {
        MappedCounters const counters(path);
        auto const here = ++counters->here;
        for (auto most = counters->most.load();
             most < here && !counters->most.compare_exchange_weak(most, here);) {
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(3));
        --counters->here;
        if (crash_every != 0 && task % crash_every == 0) ::raise(SIGKILL);
        return 7 * task;
    }
};

struct Meet : Meeting {
    std::uint64_t operator()(std::uint64_t task) const {
        wait();
        return task;
    }
};

std::uint64_t nodes() {
    return static_cast<std::uint64_t>(pool().nodes());
}

TEST(RunningLimit, IsKept) {
    for (auto const* const technique : {"auto", "static", "ss", "gss"})
        for (auto const limit : {1u, 2u}) {
            CounterFile const file;
            auto const results = pool().map(Busy{.path = file.path(), .crash_every = 0}, indices(40),
                                            {.schedule = technique, .running_per_node = limit});
            for (std::uint64_t i = 0; i < 40; ++i) ASSERT_EQ(results[i], 7 * i) << technique;
            EXPECT_LE(MappedCounters(file.path())->most, limit * nodes()) << technique;
        }
}

TEST(RunningLimit, LetsThatManyRun) {
    constexpr std::uint64_t limit = 2;  // on one node, where there are more executors
    CounterFile const file;
    auto const results = pool().map(Meet{{.path = file.path(), .wanted = limit}}, indices(8),
                                    {.schedule = "ss", .running_per_node = limit});
    for (std::uint64_t i = 0; i < 8; ++i) EXPECT_EQ(results[i], i);
}

TEST(RunningLimit, AboveTheNumberOfExecutorsIsNone) {
    CounterFile const file;
    auto const executors = executors_per_rank() * static_cast<std::uint64_t>(pool().ranks());
    auto const results = pool().map(Meet{{.path = file.path(), .wanted = executors}}, indices(executors),
                                    {.schedule = "ss", .running_per_node = 1000});
    for (std::uint64_t i = 0; i < executors; ++i) EXPECT_EQ(results[i], i);
}

TEST(RunningLimit, SurvivesCrashesOfTheTasksThatRun) {
    if (!tasks_are_isolated()) GTEST_SKIP() << "a crash ends the run";
    for (auto const crash_every : {1u, 3u}) {
        CounterFile const file;
        auto const results =
            pool().map(Busy{.path = file.path(), .crash_every = crash_every}, indices(30),
                       {.schedule = "ss", .on_failure = OnFailure::collect, .running_per_node = 1});
        EXPECT_EQ(results.failures().size(), 30u / crash_every);
        for (std::uint64_t i = 0; i < 30; ++i)
            if (i % crash_every != 0) {
                EXPECT_EQ(results[i], 7 * i);
            }
        EXPECT_LE(MappedCounters(file.path())->most, nodes());
    }
}

TEST(RunningLimit, HoldsForRenewedExecutors) {
    CounterFile const file;
    auto const results = pool().map(Busy{.path = file.path(), .crash_every = 0}, indices(30),
                                    {.tasks_per_executor = 2, .running_per_node = 1});
    for (std::uint64_t i = 0; i < 30; ++i) EXPECT_EQ(results[i], 7 * i);
    EXPECT_LE(MappedCounters(file.path())->most, nodes());
}

}  // namespace
}  // namespace plenum::api_test
