// The experiments of the monte_carlo job, their combination, and counts with letters.
#include "support/sampling.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <plenum/error.hpp>

#include "support/count.hpp"

namespace plenum::jobs {
namespace {

std::vector<Estimate> estimates(Experiment experiment, std::size_t size, std::uint64_t samples, TaskRng rng) {
    std::vector<Estimate> found(observables(experiment, size).size());
    sample(experiment, size, samples, rng, found);
    return found;
}

void expect_known_values(Experiment experiment, std::size_t size, std::uint64_t samples) {
    auto const what = observables(experiment, size);
    auto const found = estimates(experiment, size, samples, task_rng(5, 1));
    for (std::size_t k = 0; k < what.size(); ++k) {
        ASSERT_GT(found[k].standard_error, 0) << what[k].name;
        if (std::isnan(what[k].expected)) continue;
        EXPECT_NEAR(found[k].mean, what[k].expected, 5 * found[k].standard_error) << what[k].name;
    }
}

TEST(Sampling, MeansAreTheKnownValues) {
    expect_known_values(Experiment::pi, 0, 1'000'000);
    expect_known_values(Experiment::gauss, 0, 1'000'000);
    expect_known_values(Experiment::ball6, 0, 1'000'000);
    for (std::size_t const size : {1U, 2U, 3U, 8U, 20U}) expect_known_values(Experiment::eigen, size, 4000);
}

TEST(Sampling, EigenvaluesAscendAndHaveTheKnownMeanForTwoRows) {
    auto const found = estimates(Experiment::eigen, 2, 20'000, task_rng(1, 1));
    auto const expected = std::sqrt(2 * M_PI) / 2;  // half the mean distance, which is Rayleigh distributed
    EXPECT_NEAR(found[0].mean, -expected, 5 * found[0].standard_error);
    EXPECT_NEAR(found[1].mean, expected, 5 * found[1].standard_error);
}

TEST(Sampling, StandardErrorIsThatOfThePiEstimate) {
    auto const found = estimates(Experiment::pi, 0, 100'000, task_rng(1, 1));
    EXPECT_NEAR(found[0].standard_error, std::sqrt(M_PI * (4 - M_PI) / 100'000), 1e-4);
}

TEST(Sampling, TasksAndSeedsDiffer) {
    auto const mean = [](TaskRng rng) { return estimates(Experiment::gauss, 0, 100, rng)[0].mean; };
    EXPECT_EQ(mean(task_rng(1, 1)), mean(task_rng(1, 1)));
    EXPECT_NE(mean(task_rng(1, 1)), mean(task_rng(1, 2)));
    EXPECT_NE(mean(task_rng(1, 1)), mean(task_rng(2, 1)));
}

TEST(Sampling, UnknownIntegrandIsRefused) {
    EXPECT_EQ(parse_integrand("ball6"), Experiment::ball6);
    EXPECT_THROW((void)parse_integrand("e"), UsageError);
}

TEST(Combination, IsTheMeanOfTasksThatHaveResults) {
    Combination combination;
    EXPECT_TRUE(std::isnan(combination.result().mean));
    combination.add({.mean = 1, .standard_error = 3});
    combination.add({.mean = std::numeric_limits<double>::quiet_NaN(), .standard_error = 1});
    combination.add({.mean = 2, .standard_error = 4});
    EXPECT_DOUBLE_EQ(combination.result().mean, 1.5);
    EXPECT_DOUBLE_EQ(combination.result().standard_error, 2.5);
}

TEST(Count, LettersArePowersOfAThousand) {
    auto const count = [](char const* text) { return parse_count(text, "--samples", 2, 5'000'000'000); };
    EXPECT_EQ(count("2"), 2U);
    EXPECT_EQ(count("10k"), 10'000U);
    EXPECT_EQ(count("10K"), 10'000U);
    EXPECT_EQ(count("1M"), 1'000'000U);
    EXPECT_EQ(count("5G"), 5'000'000'000U);
    for (auto const* const text : {"", "1", "0", "-1", "1.5M", "M", "1MM", "1m", " 1", "1 ", "6G",
                                   "99999999999999999999", "18446744073709551615G", "1e6", "0x10"}) {
        EXPECT_THAT(
            [&] { (void)count(text); },
            testing::ThrowsMessage<UsageError>(testing::HasSubstr("--samples: '" + std::string(text) + "'")))
            << text;
    }
}

}  // namespace
}  // namespace plenum::jobs
