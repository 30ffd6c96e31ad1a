// Executors that are renewed after a number of tasks.
#include <unistd.h>

#include <csignal>
#include <map>
#include <set>
#include <stdexcept>
#include <string>

#include "api/meeting.hpp"
#include "api/pool_test.hpp"

namespace plenum::api_test {
namespace {

constexpr char const* techniques[] = {"auto", "static", "ss", "gss", "tss", "fac2", "awf"};

std::uint64_t executors() {
    return executors_per_rank() * static_cast<std::uint64_t>(pool().ranks());
}

/// How many tasks each process ran.
std::map<pid_t, std::uint64_t> tasks_of_processes(MapOptions const& options, std::uint64_t tasks) {
    auto const processes = pool().map([](std::uint64_t) { return ::getpid(); }, indices(tasks), options);
    std::map<pid_t, std::uint64_t> count;
    for (std::uint64_t i = 0; i < tasks; ++i) ++count[processes[i]];
    return count;
}

TEST(Renewal, GivesEachTaskAProcessOfItsOwn) {
    if (!tasks_are_isolated()) GTEST_SKIP() << "there is one process";
    for (auto const* const technique : techniques)
        EXPECT_EQ(tasks_of_processes({.schedule = technique, .tasks_per_executor = 1}, 40).size(), 40u)
            << technique;
}

TEST(Renewal, ComesAfterExactlySoManyTasks) {
    if (!tasks_are_isolated()) GTEST_SKIP() << "there is one process";
    for (auto const* const technique : techniques)
        for (auto const chunk_size : {0u, 1u, 3u, 50u}) {
            std::uint64_t less = 0;
            for (auto const& [process, tasks] : tasks_of_processes(
                     {.schedule = technique, .chunk_size = chunk_size, .tasks_per_executor = 4}, 100)) {
                EXPECT_LE(tasks, 4u) << technique << " in chunks of " << chunk_size;
                if (tasks < 4) ++less;
            }
            // The first process of an executor may have run tasks before, its last may run more later.
            EXPECT_LE(less, 2 * executors()) << technique << " in chunks of " << chunk_size;
        }
}

TEST(Renewal, CountsTasksOfEarlierMaps) {
    if (!tasks_are_isolated()) GTEST_SKIP() << "there is one process";
    std::set<pid_t> old;
    for (auto const& [process, tasks] : tasks_of_processes({.schedule = "static"}, 100 * executors()))
        old.insert(process);
    for (auto const& [process, tasks] : tasks_of_processes({.schedule = "ss", .tasks_per_executor = 1}, 30))
        EXPECT_FALSE(old.contains(process));
}

TEST(Renewal, IsNotDoneUnasked) {
    if (!tasks_are_isolated()) GTEST_SKIP() << "there is one process";
    EXPECT_LE(tasks_of_processes({.schedule = "ss"}, 500).size(), executors());
}

/// Tells how often it was called; no plain bytes, so that an executor decodes it for itself.
struct Counting {
    std::string text;
    mutable std::uint64_t calls = 0;
    std::uint64_t operator()(std::uint64_t) const { return ++calls; }
    template <class Archive>
    void serialize(Archive& archive) {
        archive(text);
    }
};

TEST(Renewal, DropsTheStateOfAnExecutor) {
    for (auto const* const technique : techniques) {
        auto const calls = pool().map(Counting{.text = "x", .calls = 0}, indices(60),
                                      {.schedule = technique, .tasks_per_executor = 5});
        for (std::uint64_t i = 0; i < 60; ++i) EXPECT_LE(calls[i], 5u) << technique;
    }
}

TEST(Renewal, LosesNoResultAndChargesNoTask) {
    for (auto const* const technique : techniques) {
        constexpr std::uint64_t tasks = 300;
        auto const words = pool().map(
            [isolated = tasks_are_isolated()](std::uint64_t i) {
                if (i % 50 == 7) throw std::runtime_error("thrown");
                if (i % 50 == 8 && isolated) ::raise(SIGKILL);
                return std::string(i % 40, 'w') + std::to_string(i);
            },
            indices(tasks),
            {.schedule = technique, .on_failure = OnFailure::collect, .tasks_per_executor = 3});
        ASSERT_EQ(words.failures().size(), tasks_are_isolated() ? 12u : 6u) << technique;
        for (auto const& failure : words.failures())
            EXPECT_EQ(failure.cause, failure.task % 50 == 7 ? FailureCause::exception : FailureCause::crash);
        for (std::uint64_t i = 0; i < tasks; ++i)
            if (i % 50 != 7 && i % 50 != 8) {
                ASSERT_EQ(words[i], std::string(i % 40, 'w') + std::to_string(i)) << technique;
            }
    }
}

/// Far more renewals than deaths are forgiven to an executor that never runs a task.
TEST(Renewal, MayHappenAnyNumberOfTimes) {
    auto const numbers =
        pool().map([](std::uint64_t i) { return 3 * i; }, indices(300), {.tasks_per_executor = 1});
    for (std::uint64_t i = 0; i < 300; ++i) ASSERT_EQ(numbers[i], 3 * i);
}

}  // namespace
}  // namespace plenum::api_test
