// Lazy maps and streamed reduction.
#include <chrono>
#include <numeric>
#include <plenum/pool.hpp>
#include <ranges>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "pool_test.hpp"

namespace plenum::api_test {
namespace {

using namespace std::chrono_literals;

auto const squared = [](std::uint64_t i) { return i * i; };

TEST(Imap, YieldsResultsInTheOrderOfTheItems) {
    std::uint64_t expected = 0;
    for (auto const result : pool().imap(squared, plenum::indices(30'000))) {
        ASSERT_EQ(result, expected * expected);
        ++expected;
    }
    EXPECT_EQ(expected, 30'000u);
}

TEST(Imap, TakesAnyRange) {
    std::vector<std::string> const words{"a", "bb", "ccc"};
    std::string all;
    for (auto const& doubled : pool().imap([](std::string const& s) { return s + s; }, words))
        all += doubled + ";";
    EXPECT_EQ(all, "aa;bbbb;cccccc;");
    int count = 0;
    for (auto const x :
         pool().imap([](int i) { return -i; },
                     std::views::iota(0, 100) | std::views::filter([](int i) { return i % 2; })))
        EXPECT_EQ(x, -(2 * count++ + 1));
    EXPECT_EQ(count, 50);
    for (auto const x : pool().imap([](int i) { return i; }, std::vector<int>{})) FAIL() << x;
}

TEST(Imap, ReadsAnEndlessInputOnlyAsFarAsNeeded) {
    std::uint64_t made = 0;
    auto const endless = std::views::iota(std::uint64_t{0}) | std::views::transform([&](std::uint64_t i) {
                             ++made;
                             return i;
                         });
    std::uint64_t seen = 0;
    for (auto const result : pool().imap(squared, endless, {.buffer = 100})) {
        ASSERT_EQ(result, seen * seen);
        ASSERT_LE(made, seen + 101);
        if (++seen == 1'000) break;
    }
    EXPECT_EQ(seen, 1'000u);
    EXPECT_EQ(pool().apply(squared, std::uint64_t{3}), 9u);  // the pool goes on
}

TEST(Imap, HugeIndexRangesCostNothingUntilRead) {
    std::uint64_t seen = 0;
    for (auto const result : pool().imap(squared, plenum::indices(100'000'000'000))) {
        ASSERT_EQ(result, seen * seen);
        if (++seen == 100'000) break;
    }
}

TEST(Imap, OneSlowTaskStopsTheReading) {
    std::uint64_t made = 0;
    auto const items = std::views::iota(0, 10'000) | std::views::transform([&](int i) {
                           ++made;
                           return i;
                       });
    int expected = 0;
    for (auto const result : pool().imap(
             [](int i) {
                 if (i == 0) std::this_thread::sleep_for(300ms);
                 return i;
             },
             items, {.buffer = 64})) {
        if (expected == 0) {
            EXPECT_LE(made, 65u);
        }
        ASSERT_EQ(result, expected++);
    }
    EXPECT_EQ(expected, 10'000);
}

TEST(Imap, UnorderedYieldsEachOnceWithItsIndex) {
    std::set<std::uint64_t> seen;
    auto results = pool().imap_unordered(squared, plenum::indices(10'000));
    for (auto it = results.begin(); it != results.end(); ++it) {
        ASSERT_EQ(*it, it.index() * it.index());
        ASSERT_TRUE(seen.insert(it.index()).second);
    }
    EXPECT_EQ(seen.size(), 10'000u);
}

TEST(Imap, UnorderedDoesNotWaitForASlowTask) {
    if (pool().ranks() == 1) GTEST_SKIP() << "one executor";
    auto results = pool().imap_unordered(
        [](int i) {
            if (i == 0) std::this_thread::sleep_for(500ms);
            return i;
        },
        std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7});
    EXPECT_NE(*results.begin(), 0);
}

TEST(Imap, SlowReaderKeepsNobodyElseFromWorking) {
    std::uint64_t count = 0;
    for (auto const result : pool().imap(
             [](std::uint64_t i) { return std::vector<double>(1'000, double(i)); }, plenum::indices(500))) {
        ASSERT_EQ(result.size(), 1'000u);
        ASSERT_EQ(result[7], static_cast<double>(count++));
        if (count % 100 == 0) {
            std::this_thread::sleep_for(5ms);
            ASSERT_EQ(pool().apply(squared, std::uint64_t{4}), 16u);
        }
    }
    EXPECT_EQ(count, 500u);
}

TEST(Imap, FailedTasksThrowWhereTheirResultIsRead) {
    auto const odd_fail = [](int i) {
        if (i % 2) throw std::runtime_error("odd");
        return i;
    };
    int failed = 0, good = 0;
    auto results = pool().imap(odd_fail, std::views::iota(0, 100));
    for (auto it = results.begin(); it != results.end(); ++it) try {
            EXPECT_EQ(*it % 2, 0);
            ++good;
        } catch (plenum::TaskError const& error) {
            EXPECT_EQ(error.data().task % 2, 1u);
            ++failed;
        }
    EXPECT_EQ(good, 50);
    EXPECT_EQ(failed, 50);
    auto collected =
        pool().imap(odd_fail, std::views::iota(0, 100), {.on_failure = plenum::OnFailure::collect});
    int sum = 0;
    for (auto const x : collected) sum += x;
    EXPECT_EQ(sum, 2450);
    EXPECT_EQ(collected.failures().size(), 50u);
}

TEST(Imap, CrashedTasksFailAndTheOthersGoOn) {
    if (!tasks_are_isolated()) GTEST_SKIP() << "a crash would end this process";
    auto results = pool().imap(
        [](int i) {
            if (i == 13) std::abort();
            return i;
        },
        std::views::iota(0, 200), {.on_failure = plenum::OnFailure::collect});
    int count = 0;
    for (auto const x : results) count += x >= 0 ? 1 : 0;
    EXPECT_EQ(count, 199);
    ASSERT_EQ(results.failures().size(), 1u);
    EXPECT_EQ(results.failures()[0].task, 13u);
    EXPECT_EQ(results.failures()[0].cause, plenum::FailureCause::crash);
}

TEST(MapReduce, IsTheSumInOrder) {
    auto const plus = [](auto a, auto b) { return a + b; };
    EXPECT_EQ(pool().map_reduce(squared, plenum::indices(1'000'000), std::uint64_t{0}, plus),
              std::uint64_t{333332833333500000});
    EXPECT_EQ(pool().map_reduce(squared, plenum::indices(0), std::uint64_t{7}, plus), 7u);
    std::string const text = pool().map_reduce([](std::uint64_t i) { return std::to_string(i % 10); },
                                               plenum::indices(2'000), std::string("x"), plus);
    ASSERT_EQ(text.size(), 2'001u);
    for (std::size_t i = 1; i < text.size(); ++i) ASSERT_EQ(text[i], static_cast<char>('0' + (i - 1) % 10));
    std::vector<std::string> const words{"c", "a", "b"};
    EXPECT_EQ(pool().map_reduce([](std::string const& s) { return s; }, words, std::string(), plus), "cab");
}

TEST(MapReduce, HasTheSameBitsHoweverItRuns) {
    auto const f = [](std::uint64_t i) { return 1.0 / (1.0 + static_cast<double>(i)); };
    auto const plus = [](double a, double b) { return a + b; };
    // What one process makes of the documented grouping.
    std::uint64_t const n = 200'001, group = 4;
    double expected = 0;
    for (std::uint64_t first = 0; first < n; first += group) {
        double part = f(first);
        for (auto i = first + 1; i < std::min(n, first + group); ++i) part += f(i);
        expected += part;
    }
    for (auto const* const schedule : {"auto", "static", "ss", "gss", "tss", "fac2", "awf"})
        EXPECT_EQ(pool().map_reduce(f, plenum::indices(n), 0.0, plus, {.schedule = schedule}), expected)
            << schedule;
}

}  // namespace
}  // namespace plenum::api_test
