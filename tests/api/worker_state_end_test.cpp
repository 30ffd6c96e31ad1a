// Ends of worker states: of executors that are renewed, and of those that crash.
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "api/worker_state_tools.hpp"

namespace plenum::api_test {
namespace {

// ---- renewed executors ----

TEST(RenewedWorkerState, ExitResultsOfAllExecutorsBeforeSumToTheTasks) {
    for (std::uint64_t const life : {1u, 3u, 50u}) {
        auto counter = pool().worker_state(make_counter, calls_of);
        constexpr std::uint64_t tasks = 60;
        auto const results =
            pool().map(counter.with(count_call), indices(tasks), {.tasks_per_executor = life});
        ASSERT_EQ(results[tasks - 1], (tasks - 1) * (tasks - 1));
        auto const counts = counter.finish();
        EXPECT_EQ(sum_of(counts), tasks);
        EXPECT_GE(counts.size(), tasks / life);
        for (std::size_t i = 0; i < counts.size(); ++i) {
            EXPECT_LE(*counts[i].value, life);
            if (i > 0) {
                EXPECT_GE(counts[i].executor, counts[i - 1].executor);
            }
        }
        EXPECT_TRUE(counter.finish().empty());
    }
}

TEST(RenewedWorkerState, ExceptionsInExitAreErrorsOfThoseThatLeft) {
    auto state =
        pool().worker_state(make_counter, [](Counter&) -> int { throw std::runtime_error("not yet"); });
    (void)pool().map(state.with(count_call), indices(20), {.tasks_per_executor = 2});
    auto const ends = state.finish();
    EXPECT_GE(ends.size(), 10u);
    for (auto const& end : ends) EXPECT_EQ(end.error, "worker_exit failed: not yet");
}

// ---- crashes ----

class CrashOfState : public testing::Test {
protected:
    void SetUp() override {
        if (!tasks_are_isolated()) GTEST_SKIP() << "a crash would end the test";
    }
};

TEST_F(CrashOfState, TheSuccessorOfACrashedExecutorMakesItAnew) {
    auto counter = pool().worker_state(
        [](WorkerContext const&) {
            return Counter{.serial = static_cast<std::uint64_t>(::getpid()), .calls = 0};
        },
        calls_of);
    auto const results = pool().map(counter.with([](Counter& state, std::uint64_t i) {
        if (state.serial != static_cast<std::uint64_t>(::getpid()))
            throw std::logic_error("a state of another process");
        ++state.calls;
        if (i % 100 == 50) ::_exit(3);
        return i;
    }),
                                    indices(1000), {.schedule = "ss", .on_failure = OnFailure::collect});
    EXPECT_EQ(results.failures().size(), 10u);
    for (auto const& failure : results.failures()) EXPECT_EQ(failure.cause, FailureCause::crash);
    auto const counts = counter.finish();
    EXPECT_LE(counts.size(), executor_count());
    EXPECT_LE(sum_of(counts), 990u);
    for (auto const& count : counts) EXPECT_EQ(count.error, "");
}

TEST_F(CrashOfState, InInitIsChargedToTheTaskThatNeededIt) {
    auto state = pool().worker_state([](WorkerContext const&) -> int { ::_exit(4); });
    auto const results = pool().map(state.with([](int&, std::uint64_t i) { return i; }), indices(6),
                                    {.on_failure = OnFailure::collect});
    ASSERT_EQ(results.failures().size(), 6u);
    for (auto const& failure : results.failures()) EXPECT_TRUE(contains(failure.message, "exit(4)"));
    EXPECT_TRUE(state.finish().empty());
}

TEST_F(CrashOfState, InExitIsTheErrorOfThatExecutorAndNothingHangs) {
    for (int round = 0; round < 3; ++round) {
        auto state = pool().worker_state([](WorkerContext const& w) { return w.executor; },
                                         [](int const& executor) -> int {
                                             if (executor % 2 == 0) std::abort();
                                             return executor;
                                         });
        auto const made =
            pool().on_each(state.with([](int const& executor, WorkerContext const&) { return executor; }));
        auto const ends = state.finish();
        ASSERT_EQ(ends.size(), made.size());
        for (std::size_t i = 0; i < ends.size(); ++i) {
            EXPECT_EQ(ends[i].executor, static_cast<int>(i));
            if (i % 2 == 0) {
                EXPECT_TRUE(contains(ends[i].error, "signal 6"));
                EXPECT_FALSE(ends[i].value);
            } else {
                EXPECT_EQ(ends[i].error, "");
                EXPECT_EQ(ends[i].value, static_cast<int>(i));
            }
        }
        EXPECT_TRUE(state.finish().empty());
        EXPECT_EQ(pool().map([](std::uint64_t i) { return i; }, indices(50))[49], 49u);
    }
}

TEST_F(CrashOfState, InTheExitOfARenewedExecutorIsAnErrorToo) {
    auto state = pool().worker_state(make_counter, [](Counter const& counter) -> std::uint64_t {
        if (counter.calls == 2) std::abort();
        return counter.calls;
    });
    auto const results = pool().map(state.with(count_call), indices(20), {.tasks_per_executor = 2});
    for (std::uint64_t i = 0; i < 20; ++i) ASSERT_EQ(results[i], i * i);
    std::uint64_t calls = 0;
    for (auto const& end : state.finish()) {
        if (end.value) {
            EXPECT_EQ(*end.value, 1u);
            ++calls;
        } else {
            EXPECT_FALSE(end.error.empty());
            calls += 2;
        }
    }
    EXPECT_EQ(calls, 20u) << "each state is told of";
}

struct CrashesWhenDestroyed {
    int value = 0;
    ~CrashesWhenDestroyed() { throw_out(); }
    [[gnu::noinline]] static void throw_out() { throw std::runtime_error("out of a destructor"); }
};

TEST_F(CrashOfState, InADestructorIsTheErrorOfThatExecutor) {
    auto state = pool().worker_state([] { return CrashesWhenDestroyed{}; });
    (void)pool().on_each(state.with([](CrashesWhenDestroyed& s, WorkerContext const&) { return ++s.value; }));
    auto const ends = state.finish();
    EXPECT_EQ(ends.size(), executor_count());
    for (auto const& end : ends) EXPECT_TRUE(contains(end.error, "signal 6"));
}

}  // namespace
}  // namespace plenum::api_test
