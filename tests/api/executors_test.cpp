// Several executors in each rank (PLENUM_EXECUTORS): all of them work at once, and one that dies disturbs no
// other.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "api/meeting.hpp"
#include "api/pool_test.hpp"

namespace plenum::api_test {
namespace {

/// Of all ranks.
std::uint64_t executors() {
    return executors_per_rank() * static_cast<std::uint64_t>(pool().ranks());
}

struct MeetAndTell : Meeting {
    std::uint64_t crashing = UINT64_MAX;  ///< this task dies when all are there
    template <class Archive>
    void serialize(Archive& archive) {
        Meeting::serialize(archive);
        archive(crashing);
    }
    pid_t operator()(std::uint64_t task) const {
        wait();
        if (task == crashing) ::raise(SIGKILL);
        return ::gettid();
    }
};

/// One task on each executor, all at the same time: who ran them.
Results<pid_t> meet(std::uint64_t crashing = UINT64_MAX, OnFailure on_failure = OnFailure::raise) {
    CounterFile const file;
    MeetAndTell task;
    task.path = file.path();
    task.wanted = executors();
    task.crashing = crashing;
    return pool().map(task, indices(executors()), {.schedule = "ss", .on_failure = on_failure});
}

std::set<pid_t> set_of(Results<pid_t> const& results) {
    std::set<pid_t> set;
    for (std::uint64_t i = 0; i < executors(); ++i) set.insert(results[i]);
    return set;
}

TEST(Executors, AllWorkAtTheSameTime) {
    EXPECT_EQ(set_of(meet()).size(), executors());
}

TEST(Executors, OneThatDiesDisturbsNoOther) {
    if (!tasks_are_isolated()) GTEST_SKIP() << "a crash ends the run";
    auto const before = set_of(meet());
    for (int round = 0; round < 5; ++round) {
        auto const crashing = static_cast<std::uint64_t>(round) % executors();
        auto const results = meet(crashing, OnFailure::collect);
        ASSERT_EQ(results.failures().size(), 1u);
        EXPECT_EQ(results.failures().front().task, crashing);
        EXPECT_EQ(results.failures().front().cause, FailureCause::crash);
        for (std::uint64_t i = 0; i < executors(); ++i)
            if (i != crashing && round == 0) {
                EXPECT_TRUE(before.contains(results[i])) << "task " << i << " ran on a new executor";
            }
    }
    auto const after = set_of(meet());
    EXPECT_EQ(after.size(), executors());
    std::vector<pid_t> kept;
    std::ranges::set_intersection(before, after, std::back_inserter(kept));
    EXPECT_GE(kept.size() + 5, executors()) << "more executors were replaced than died";
}

TEST(Executors, GiveTheSameResultsWithEveryTechnique) {
    for (auto const* const technique : {"auto", "static", "ss", "gss", "tss", "fac2", "awf"}) {
        constexpr std::uint64_t tasks = 20'000;
        auto const numbers =
            pool().map([](std::uint64_t i) { return i * i; }, indices(tasks), {.schedule = technique});
        for (std::uint64_t i = 0; i < tasks; ++i) ASSERT_EQ(numbers[i], i * i) << technique;
        auto const words =
            pool().map([](std::uint64_t i) { return std::string(i % 17, 'x') + std::to_string(i); },
                       indices(2000), {.schedule = technique});
        for (std::uint64_t i = 0; i < 2000; ++i)
            ASSERT_EQ(words[i], std::string(i % 17, 'x') + std::to_string(i)) << technique;
    }
}

TEST(Executors, ManyBatchesOfOneTaskEach) {
    for (std::uint64_t n = 0; n < 200; ++n) {
        auto const result = pool().map([n](std::uint64_t i) { return n + i; }, indices(1));
        ASSERT_EQ(result[0], n);
    }
}

TEST(Executors, HaveTheThreadsThatWereAskedFor) {
    auto const* asked = std::getenv("PLENUM_THREADS_PER_TASK");
    if (asked == nullptr) asked = std::getenv("SLURM_CPUS_PER_TASK");
    if (asked == nullptr || !tasks_are_isolated()) GTEST_SKIP() << "no number was asked for";
    auto const threads =
        pool().map([](std::uint64_t) { return std::string(std::getenv("OMP_NUM_THREADS")); }, indices(20));
    for (std::uint64_t i = 0; i < 20; ++i) EXPECT_EQ(threads[i], asked);
}

}  // namespace
}  // namespace plenum::api_test
