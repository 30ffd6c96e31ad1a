#include "app/limit_options.hpp"

#include "app/app_test_tools.hpp"
#include "base/clock.hpp"

namespace plenum::app {
namespace {

/// Seconds from now to the end; about what was asked, as some time has passed.
double seconds_to_end(pool::RunLimits const& limits) {
    return (static_cast<double>(limits.end_ns) - static_cast<double>(base::now_ns())) * 1e-9;
}

EnvironmentLookup slurm_job_that_ends_in(std::int64_t seconds) {
    return pretend_environment({{"SLURM_JOB_END_TIME", std::to_string(std::time(nullptr) + seconds)}});
}

TEST(RunLimits, WithoutATimeLimitTheRunHasNoEnd) {
    auto const limits = run_limits({}, base::now_ns(), pretend_environment({}));
    EXPECT_EQ(limits.end_ns, 0u);
    EXPECT_EQ(limits.grace, 30);
}

TEST(RunLimits, ATimeLimitCountsFromTheStartOfTheRun) {
    auto const started = base::now_ns() - 1'000'000'000'000;  // 1000 s ago
    auto const limits = run_limits({.time_limit = 3600}, started, pretend_environment({}));
    EXPECT_NEAR(seconds_to_end(limits), 2600, 60);
    EXPECT_GT(limits.end_ns, base::now_ns());
}

TEST(RunLimits, OfTimeLimitAndSlurmJobTheEarlierCounts) {
    auto const now = base::now_ns();
    EXPECT_NEAR(seconds_to_end(run_limits({}, now, slurm_job_that_ends_in(5000))), 5000, 60);
    EXPECT_NEAR(seconds_to_end(run_limits({.time_limit = 3000}, now, slurm_job_that_ends_in(5000))), 3000,
                60);
    EXPECT_NEAR(seconds_to_end(run_limits({.time_limit = 9000}, now, slurm_job_that_ends_in(5000))), 5000,
                60);
}

TEST(RunLimits, AJobWhoseTimeIsOverEndsNow) {
    EXPECT_NEAR(seconds_to_end(run_limits({}, base::now_ns(), slurm_job_that_ends_in(-100))), 0, 60);
}

TEST(RunLimits, WhatIsNoTimeOfAJobDoesNotCount) {
    for (auto const* text : {"", "Unknown", "N/A"})
        EXPECT_EQ(run_limits({}, base::now_ns(), pretend_environment({{"SLURM_JOB_END_TIME", text}})).end_ns,
                  0u);
}

TEST(RunLimits, TheGracePeriodIsATenthOfAShortLimitUnlessItIsAskedFor) {
    auto const now = base::now_ns();
    EXPECT_NEAR(run_limits({.time_limit = 20}, now, pretend_environment({})).grace, 2, 0.5);
    EXPECT_EQ(run_limits({.time_limit = 5000}, now, pretend_environment({})).grace, 30);
    EXPECT_EQ(run_limits({.time_limit = 20, .grace = 15}, now, pretend_environment({})).grace, 15);
}

TEST(RunLimits, MaxFailuresAreExceededByOneMore) {
    pool::MaxFailures const none;
    EXPECT_FALSE(none.exceeded(1000, 1000));
    pool::MaxFailures const three{.tasks = 3, .percent = {}};
    EXPECT_FALSE(three.exceeded(3, 1000));
    EXPECT_TRUE(three.exceeded(4, 1000));
    pool::MaxFailures const five_percent{.tasks = {}, .percent = 5};
    EXPECT_FALSE(five_percent.exceeded(50, 1000));
    EXPECT_TRUE(five_percent.exceeded(51, 1000));
    EXPECT_FALSE(five_percent.exceeded(0, 0));
}

TEST(LimitWarnings, NameWhatCannotBeKeptWithoutIsolation) {
    RunOptions options{.task_timeout = 5, .task_memory = 1 << 20};
    EXPECT_TRUE(limit_warnings(options).empty());
    options.isolation = Isolation::none;
    auto const warnings = limit_warnings(options);
    ASSERT_EQ(warnings.size(), 2u);
    EXPECT_THAT(warnings[0], testing::HasSubstr("--task-timeout"));
    EXPECT_THAT(warnings[1], testing::HasSubstr("--task-memory"));
    options.task_timeout = 0;
    options.task_memory = 0;
    EXPECT_TRUE(limit_warnings(options).empty());
}

}  // namespace
}  // namespace plenum::app
