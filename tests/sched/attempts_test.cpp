#include "sched/attempts.hpp"

#include <gtest/gtest.h>

namespace plenum::sched {
namespace {

constexpr Retries two_of_each{.exception = 2, .crash = 2, .timeout = 2, .out_of_memory = 2};
constexpr std::uint32_t no_crash_limit = 1'000'000;

TEST(Attempts, WithoutRetriesTheFirstFailureIsFinal) {
    Attempts attempts;
    for (auto const cause : {FailureCause::exception, FailureCause::crash, FailureCause::timeout,
                             FailureCause::out_of_memory, FailureCause::node_loss, FailureCause::cancelled}) {
        auto const verdict = attempts.failed(7, cause, {}, no_crash_limit);
        EXPECT_FALSE(verdict.again);
        EXPECT_FALSE(verdict.quarantined);
        EXPECT_EQ(verdict.attempt, 1);
    }
}

TEST(Attempts, ATaskRunsAgainAsOftenAsItsCauseAllows) {
    Attempts attempts;
    for (int attempt = 1; attempt <= 3; ++attempt) {
        auto const verdict = attempts.failed(3, FailureCause::exception, two_of_each, no_crash_limit);
        EXPECT_EQ(verdict.attempt, attempt);
        EXPECT_EQ(verdict.again, attempt < 3);
    }
}

TEST(Attempts, CausesCountByThemselvesAndAttemptsTogether) {
    Attempts attempts;
    Retries const some{.exception = 1, .crash = 0, .timeout = 1, .out_of_memory = 0};
    EXPECT_TRUE(attempts.failed(1, FailureCause::timeout, some, no_crash_limit).again);
    auto const second = attempts.failed(1, FailureCause::exception, some, no_crash_limit);
    EXPECT_TRUE(second.again);
    EXPECT_EQ(second.attempt, 2);
    auto const third = attempts.failed(1, FailureCause::crash, some, no_crash_limit);
    EXPECT_FALSE(third.again);
    EXPECT_EQ(third.attempt, 3);
}

TEST(Attempts, TasksCountByThemselves) {
    Attempts attempts;
    for (std::uint64_t task = 0; task < 100; ++task)
        EXPECT_EQ(attempts.failed(task, FailureCause::crash, two_of_each, no_crash_limit).attempt, 1);
    for (std::uint64_t task = 0; task < 100; ++task)
        EXPECT_EQ(attempts.failed(task, FailureCause::crash, two_of_each, no_crash_limit).attempt, 2);
}

TEST(Attempts, CrashesUpToTheLimitQuarantineWhateverMayBeRetried) {
    Attempts attempts;
    Retries const many{.exception = 9, .crash = 9, .timeout = 9, .out_of_memory = 9};
    EXPECT_TRUE(attempts.failed(5, FailureCause::crash, many, 3).again);
    EXPECT_TRUE(attempts.failed(5, FailureCause::exception, many, 3).again);
    EXPECT_TRUE(attempts.failed(5, FailureCause::crash, many, 3).again);
    auto const last = attempts.failed(5, FailureCause::crash, many, 3);
    EXPECT_FALSE(last.again);
    EXPECT_TRUE(last.quarantined);
    EXPECT_EQ(last.attempt, 4);
}

TEST(Attempts, OnlyCrashesQuarantine) {
    Attempts attempts;
    Retries const many{.exception = 9, .crash = 9, .timeout = 9, .out_of_memory = 9};
    for (auto const cause : {FailureCause::exception, FailureCause::timeout, FailureCause::out_of_memory})
        for (int i = 0; i < 5; ++i) EXPECT_FALSE(attempts.failed(5, cause, many, 3).quarantined);
}

TEST(Attempts, CountsGoOnOverTheProcessesOfARun) {
    Attempts attempts;
    attempts.failed_earlier(1, FailureCause::exception, 1, true);
    attempts.failed_earlier(1, FailureCause::exception, 2, true);
    auto const last = attempts.failed(1, FailureCause::exception, two_of_each, no_crash_limit);
    EXPECT_FALSE(last.again);
    EXPECT_EQ(last.attempt, 3);
    attempts.failed_earlier(2, FailureCause::crash, 1, true);
    attempts.failed_earlier(2, FailureCause::timeout, 2, true);
    auto const crash = attempts.failed(2, FailureCause::crash, two_of_each, 2);
    EXPECT_TRUE(crash.quarantined);
    EXPECT_EQ(crash.attempt, 3);
    EXPECT_TRUE(attempts.failed(3, FailureCause::exception, two_of_each, no_crash_limit).again);
}

TEST(Attempts, WhoeverAsksForATaskAnewGetsAllAttemptsAndTheNextNumber) {
    Attempts attempts;
    for (int attempt = 1; attempt <= 4; ++attempt)
        attempts.failed_earlier(1, FailureCause::crash, attempt, false);
    attempts.failed_earlier(1, FailureCause::crash, 5, true);
    auto const second = attempts.failed(1, FailureCause::crash, two_of_each, 3);
    EXPECT_TRUE(second.again);
    EXPECT_EQ(second.attempt, 6);
    auto const third = attempts.failed(1, FailureCause::crash, two_of_each, 3);
    EXPECT_TRUE(third.quarantined);
    EXPECT_EQ(third.attempt, 7);
}

TEST(Attempts, WhatIsDoneIsForgotten) {
    Attempts attempts;
    for (std::uint64_t const task : {4u, 5u, 9u})
        EXPECT_TRUE(attempts.failed(task, FailureCause::exception, two_of_each, no_crash_limit).again);
    attempts.forget(5, 9);
    EXPECT_EQ(attempts.failed(4, FailureCause::exception, two_of_each, no_crash_limit).attempt, 2);
    EXPECT_EQ(attempts.failed(5, FailureCause::exception, two_of_each, no_crash_limit).attempt, 1);
    EXPECT_EQ(attempts.failed(9, FailureCause::exception, two_of_each, no_crash_limit).attempt, 2);
}

}  // namespace
}  // namespace plenum::sched
