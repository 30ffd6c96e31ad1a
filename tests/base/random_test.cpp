// Random streams: known answers, positions, independence of streams, and the moments of what they yield.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>
#include <plenum/random.hpp>
#include <random>
#include <set>
#include <vector>

namespace plenum {
namespace {

using Words = std::array<std::uint32_t, 4>;

TEST(Philox, GivesThePublishedAnswers) {
    // Random123's kat_vectors, philox4x32 with 10 rounds.
    constexpr auto ones = 0xffffffffU;
    EXPECT_EQ(philox_block({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
    EXPECT_EQ(philox_block({ones, ones, ones, ones}, {ones, ones}),
              (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
    EXPECT_EQ(philox_block({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
              (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(TaskRng, TakesTheWordsOfItsBlocksInOrder) {
    constexpr std::uint64_t seed = 0x299f31d0a4093822, index = 0x13198a2e85a308d3;
    auto rng = task_rng(seed, index, 7);
    for (std::uint32_t block = 0; block < 40; ++block) {
        auto const words = philox_block({block, 0x85a308d3, 0x13198a2e, 7}, {0xa4093822, 0x299f31d0});
        ASSERT_EQ(rng(), std::uint64_t{words[1]} << 32 | words[0]) << block;
        ASSERT_EQ(rng(), std::uint64_t{words[3]} << 32 | words[2]) << block;
    }
}

TEST(TaskRng, DiscardIsAsIfNumbersHadBeenTaken) {
    std::mt19937 choose(1);
    for (int round = 0; round < 300; ++round) {
        auto taken = task_rng(3, 4), discarded = taken;
        for (int step = 0; step < 6; ++step) {
            auto const count = std::uniform_int_distribution<std::uint64_t>(0, 50)(choose);
            for (std::uint64_t i = 0; i < count; ++i) (void)taken();
            discarded.discard(count);
            ASSERT_EQ(discarded(), taken());
        }
    }
}

TEST(TaskRng, DiscardReachesBlocksBeyond32Bits) {
    auto rng = task_rng(5, 6, 9);
    rng.discard((std::uint64_t{0x123} << 33) + 2 * std::uint64_t{0x89abcdef} + 1);
    auto const words = philox_block({0x89abcdef, 6, 0, 0x123U << 16 | 9}, {5, 0});
    EXPECT_EQ(rng(), std::uint64_t{words[3]} << 32 | words[2]);
}

TEST(TaskRng, ACopyGoesOnFromTheSamePlace) {
    auto rng = task_rng(1, 2);
    for (int i = 0; i < 5; ++i) (void)rng();
    auto copy = rng;
    for (int i = 0; i < 40; ++i) ASSERT_EQ(copy(), rng());
}

TEST(TaskRng, Uniform01IsTheUpper53BitsBelowOne) {
    auto numbers = task_rng(1, 2), bits = numbers;
    for (int i = 0; i < 1000; ++i) {
        auto const number = numbers.uniform01();
        ASSERT_EQ(number, std::ldexp(static_cast<double>(bits() >> 11), -53));
        ASSERT_GE(number, 0.0);
        ASSERT_LT(number, 1.0);
    }
}

TEST(TaskRng, NormalHasKnownQuantiles) {
    // scipy.special.ndtri of p = (k + 1/2) / 2^52.
    auto const of = [](std::uint64_t k) { return detail::normal_from_bits(k << 12); };
    auto const half = std::uint64_t{1} << 51;
    EXPECT_DOUBLE_EQ(of(0), -8.2095361516013856);
    EXPECT_DOUBLE_EQ(of(2 * half - 1), 8.2095361516013856);
    EXPECT_DOUBLE_EQ(of(static_cast<std::uint64_t>(0.1 * 0x1p52)), -1.2815515655446008);
    EXPECT_DOUBLE_EQ(of(static_cast<std::uint64_t>(0.001 * 0x1p52)), -3.0902323061678132);
    EXPECT_NEAR(of(static_cast<std::uint64_t>(1e-9 * 0x1p52)), -5.9978070150076874, 1e-6);
    EXPECT_NEAR(of(half), 2.7831e-16, 1e-19);
    for (std::uint64_t k : {std::uint64_t{1}, std::uint64_t{12345}, half / 7, half - 1})
        EXPECT_EQ(of(k), -of(2 * half - 1 - k)) << k;
}

TEST(TaskRng, NormalInvertsTheDistribution) {
    auto rng = task_rng(11, 0);
    for (int i = 0; i < 100'000; ++i) {
        auto const bits = rng() >> (i % 40) << (i % 3);  // far tails too
        auto const p = (static_cast<double>(bits >> 12) + 0.5) * 0x1p-52;
        auto const x = detail::normal_from_bits(bits);
        auto const lower = 0.5 * std::erfc(-x * M_SQRT1_2);
        ASSERT_NEAR(lower, p, 4e-15 * p * (1 + x * x)) << bits;
    }
}

TEST(TaskRng, NormalGivesTheseBits) {
    // Whoever changes these changes the results of every user.
    auto rng = task_rng(2024, 7);
    std::uint64_t sum = 0;
    for (int i = 0; i < 100'000; ++i) sum = sum * 31 + std::bit_cast<std::uint64_t>(rng.normal());
    EXPECT_EQ(sum, 8230867668920425700U);
}

double correlation(std::vector<double> const& a, std::vector<double> const& b) {
    auto const n = static_cast<double>(a.size());
    auto const mean = [&](auto const& x) { return std::accumulate(x.begin(), x.end(), 0.0) / n; };
    auto const ma = mean(a), mb = mean(b);
    double ab = 0, aa = 0, bb = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        ab += (a[i] - ma) * (b[i] - mb);
        aa += (a[i] - ma) * (a[i] - ma);
        bb += (b[i] - mb) * (b[i] - mb);
    }
    return ab / std::sqrt(aa * bb);
}

std::vector<double> uniforms(TaskRng rng, std::size_t count) {
    std::vector<double> numbers(count);
    for (auto& number : numbers) number = rng.uniform01();
    return numbers;
}

TEST(TaskRng, NeighbouringStreamsAreNotCorrelated) {
    constexpr std::size_t count = 100'000;
    auto const limit = 5 / std::sqrt(static_cast<double>(count));
    auto const base = uniforms(task_rng(1, 1), count);
    for (auto const& rng : {task_rng(1, 2), task_rng(2, 1), task_rng(1, 1, 1),
                            task_rng(1, std::uint64_t{1} << 32), task_rng(std::uint64_t{1} << 32, 1)})
        EXPECT_LT(std::abs(correlation(base, uniforms(rng, count))), limit);
    std::vector<double> const shifted(base.begin() + 1, base.end());
    EXPECT_LT(std::abs(correlation({base.begin(), base.end() - 1}, shifted)), limit);
}

TEST(TaskRng, FirstNumbersOfManyTasksAreUniformAndDiffer) {
    constexpr std::size_t tasks = 100'000;
    std::set<std::uint64_t> different;
    std::array<double, 64> cells{};
    for (std::uint64_t task = 0; task < tasks; ++task) {
        auto rng = task_rng(9, task);
        auto const number = rng();
        different.insert(number);
        ++cells[number >> 58];
    }
    EXPECT_EQ(different.size(), tasks);
    double chi_squared = 0;
    for (auto const cell : cells)
        chi_squared += (cell - tasks / 64.0) * (cell - tasks / 64.0) / (tasks / 64.0);
    EXPECT_LT(chi_squared, 63 + 5 * std::sqrt(2 * 63.0));
    EXPECT_GT(chi_squared, 63 - 5 * std::sqrt(2 * 63.0));
}

TEST(TaskRng, NormalHasTheMomentsOfTheNormalDistribution) {
    constexpr int count = 1'000'000;
    auto rng = task_rng(4, 4);
    double mean = 0, square = 0, fourth = 0;
    for (int i = 0; i < count; ++i) {
        auto const x = rng.normal();
        mean += x / count;
        square += x * x / count;
        fourth += x * x * x * x / count;
    }
    EXPECT_NEAR(mean, 0, 5e-3);
    EXPECT_NEAR(square, 1, 5 * std::sqrt(2.0 / count));
    EXPECT_NEAR(fourth, 3, 5 * std::sqrt(96.0 / count));
}

TEST(TaskRng, ServesTheStandardLibrary) {
    std::vector<int> numbers(1000);
    std::iota(numbers.begin(), numbers.end(), 0);
    auto shuffled = numbers;
    std::shuffle(shuffled.begin(), shuffled.end(), task_rng(1, 1));
    EXPECT_NE(shuffled, numbers);
    EXPECT_TRUE(std::is_permutation(shuffled.begin(), shuffled.end(), numbers.begin()));
}

}  // namespace
}  // namespace plenum
