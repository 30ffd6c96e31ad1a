// The options of the sleep job: what they make together, and what is refused.
#include "support/sleep_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <plenum/error.hpp>

namespace plenum::jobs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string refusal(SleepRequest const& request) {
    try {
        (void)plan_sleep(request);
    } catch (UsageError const& error) {
        return error.what();
    }
    return "accepted";
}

TEST(SleepPlan, EqualSleepsAreNotListed) {
    auto const plan = plan_sleep({.tasks = 1000, .seconds = 0.1});
    EXPECT_EQ(plan.tasks, 1000U);
    EXPECT_TRUE(plan.unequal.empty());
    EXPECT_DOUBLE_EQ(plan.total(), 100);
    EXPECT_DOUBLE_EQ(plan.longest(), 0.1);
}

TEST(SleepPlan, AListHasATaskForEachEntry) {
    auto const plan = plan_sleep({.tasks = 1000, .seconds = 0.1, .list = "0.5,0,2e-1"});
    EXPECT_EQ(plan.tasks, 3U);
    EXPECT_THAT(plan.unequal, ElementsAre(0.5, 0.0, 0.2));
    EXPECT_DOUBLE_EQ(plan.total(), 0.7);
    EXPECT_DOUBLE_EQ(plan.longest(), 0.5);
}

TEST(SleepPlan, Uneven16HasSixteenSleepsThatDiffer) {
    auto const plan = plan_sleep({.pattern = "uneven16"});
    EXPECT_EQ(plan.tasks, 16U);
    EXPECT_EQ(plan.unequal.size(), 16U);
    EXPECT_NEAR(plan.total(), 7.5, 1e-12);
    EXPECT_DOUBLE_EQ(plan.longest(), plan.unequal.front());
}

TEST(SleepPlan, WhatCannotBeMeantIsRefused) {
    EXPECT_THAT(refusal({.tasks = 0, .seconds = 1}), HasSubstr("--tasks 0"));
    EXPECT_THAT(refusal({.tasks = 1, .seconds = -1}), HasSubstr("--seconds -1"));
    EXPECT_THAT(refusal({.tasks = 1, .seconds = 1e6}), HasSubstr("--seconds"));
    EXPECT_THAT(refusal({.tasks = 1, .seconds = std::numeric_limits<double>::quiet_NaN()}),
                HasSubstr("--seconds nan"));
    EXPECT_THAT(refusal({.pattern = "even"}), HasSubstr("choose from uneven16"));
    EXPECT_THAT(refusal({.list = "1", .pattern = "uneven16"}), HasSubstr("exclude each other"));
    EXPECT_THAT(refusal({.list = "1", .tasks_given = true}), HasSubstr("leave out --tasks"));
    EXPECT_THAT(refusal({.pattern = "uneven16", .seconds_given = true}), HasSubstr("leave out --seconds"));
    for (auto const* const list : {",", "1,", ",1", "1,,2", "1;2", "a", "1 ", "0.1s"})
        EXPECT_THAT(refusal({.list = list}), HasSubstr("is no number")) << list;
    for (auto const* const list : {"-1", "nan", "inf", "1,86401"})
        EXPECT_THAT(refusal({.list = list}), HasSubstr("is no time to sleep")) << list;
}

}  // namespace
}  // namespace plenum::jobs
