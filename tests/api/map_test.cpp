// pool.map over indices: every technique, chunk size and number of tasks gives the serial results.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>

#include "api/pool_test.hpp"

namespace plenum::api_test {
namespace {

constexpr auto techniques = {"auto", "static", "ss", "gss", "tss", "fac2", "awf"};
constexpr std::uint64_t chunk_sizes[] = {0, 1, 3, 1000};
constexpr std::uint64_t task_counts[] = {0, 1, 2, 7, 1000, 1'000'003};

double value_of(std::uint64_t i) {
    return std::sqrt(static_cast<double>(i)) - static_cast<double>(i % 13);
}

TEST(Map, GivesTheSerialResultsWithEveryTechniqueChunkSizeAndNumberOfTasks) {
    for (auto const count : task_counts) {
        std::vector<double> expected(count);
        for (std::uint64_t i = 0; i < count; ++i) expected[i] = value_of(i);
        for (auto const* const technique : techniques) {
            for (auto const chunk_size : chunk_sizes) {
                auto const results = pool().map([](std::uint64_t i) { return value_of(i); }, indices(count),
                                                {.schedule = technique, .chunk_size = chunk_size});
                ASSERT_EQ(results.size(), count);
                ASSERT_TRUE(std::ranges::equal(results.span(), expected))
                    << technique << ", chunk size " << chunk_size << ", " << count << " tasks";
            }
        }
    }
}

TEST(Map, GivesTheSerialResultsOfVaryingLengthWithEveryTechniqueAndChunkSize) {
    constexpr std::uint64_t count = 2000;
    auto const digits = [](std::uint64_t i) { return std::string(i % 37, 'a') + std::to_string(i); };
    for (auto const* const technique : techniques) {
        for (auto const chunk_size : chunk_sizes) {
            auto const results =
                pool().map(digits, indices(count), {.schedule = technique, .chunk_size = chunk_size});
            ASSERT_EQ(results.size(), count);
            for (std::uint64_t i = 0; i < count; ++i) ASSERT_EQ(results[i], digits(i)) << technique;
        }
    }
}

TEST(Map, BalancesTasksOfVeryDifferentLengthWithTheRightResults) {
    auto const sum_up_to = [](std::uint64_t i) {
        std::uint64_t sum = 0;
        for (std::uint64_t k = 0; k < i * i; ++k) sum += k ^ i;
        return sum;
    };
    for (auto const* const technique : techniques) {
        auto const results = pool().map(sum_up_to, indices(300), {.schedule = technique});
        for (std::uint64_t i = 0; i < 300; ++i) ASSERT_EQ(results[i], sum_up_to(i)) << technique;
    }
}

TEST(Map, RunsManySmallMapsInARow) {
    for (std::uint64_t map = 0; map < 500; ++map) {
        auto const results = pool().map([map](std::uint64_t i) { return map * 10 + i; }, indices(map % 5));
        ASSERT_EQ(results.size(), map % 5);
        for (std::uint64_t i = 0; i < results.size(); ++i) ASSERT_EQ(results[i], map * 10 + i);
    }
}

TEST(Map, KeepsResultsWhileOtherMapsRun) {
    auto const square = [](std::uint64_t i) { return i * i; };
    auto const first = pool().map(square, indices(5000));
    auto const words = pool().map([](std::uint64_t i) { return std::to_string(i); }, indices(5000));
    for (int round = 0; round < 10; ++round)
        (void)pool().map([round](std::uint64_t i) { return i + static_cast<std::uint64_t>(round); },
                         indices(50'000));
    for (std::uint64_t i = 0; i < 5000; ++i) {
        ASSERT_EQ(first[i], i * i);
        ASSERT_EQ(words[i], std::to_string(i));
    }
}

TEST(Map, GivesResultsAsSpanVectorAndRange) {
    auto const results =
        pool().map([](std::uint64_t i) { return static_cast<std::uint32_t>(i * 3); }, indices(100));
    auto const vector = results.to_vector();
    ASSERT_EQ(vector.size(), 100u);
    EXPECT_TRUE(std::ranges::equal(vector, results.span()));
    std::uint64_t sum = 0;
    for (auto const value : results) sum += value;
    EXPECT_EQ(sum, 3u * 99u * 100u / 2u);
    EXPECT_TRUE(results.failures().empty());
    EXPECT_TRUE(contains(message_of<UsageError>([&] { (void)results[100]; }), "result 100 does not exist"));
}

TEST(Map, RefusesAnUnknownTechniqueByName) {
    auto const message = message_of<UsageError>(
        [] { (void)pool().map([](std::uint64_t i) { return i; }, indices(3), {.schedule = "guided"}); });
    EXPECT_TRUE(contains(message, "guided"));
    EXPECT_TRUE(contains(message, "gss"));
    EXPECT_EQ(pool().map([](std::uint64_t i) { return i; }, indices(3))[2], 2u);
}

TEST(Map, TellsItsRanksAndNodes) {
    EXPECT_GE(pool().ranks(), 1);
    EXPECT_GE(pool().nodes(), 1);
    EXPECT_LE(pool().nodes(), pool().ranks());
    if (auto const* const ranks = std::getenv("OMPI_COMM_WORLD_SIZE")) {
        EXPECT_EQ(pool().ranks(), std::atoi(ranks));
    }
}

}  // namespace
}  // namespace plenum::api_test
