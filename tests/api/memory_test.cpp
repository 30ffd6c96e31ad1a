// A node with little memory for results (PLENUM_NODE_MEMORY is 64M): back-pressure, and errors that say what
// to do.
#include <algorithm>
#include <array>
#include <cstdint>

#include "api/pool_test.hpp"

namespace plenum::api_test {
namespace {

constexpr std::uint64_t mebi = 1 << 20;

struct Large {
    std::vector<char> content;
    std::size_t operator()(std::uint64_t) const { return content.size(); }
    template <class Archive>
    void serialize(Archive& archive) {
        archive(content);
    }
};

void expect_usable_pool() {
    auto const results = pool().map([](std::uint64_t i) { return std::string(i % 100, 'u'); }, indices(1000));
    for (std::uint64_t i = 0; i < 1000; ++i) ASSERT_EQ(results[i], std::string(i % 100, 'u'));
}

TEST(LittleMemory, HoldsFixedResultsUpToItsRoom) {
    auto const results =
        pool().map([](std::uint64_t i, std::span<std::uint64_t> out) { std::ranges::fill(out, i); },
                   indices(30), {.shape = {mebi / 8}});
    for (std::uint64_t i = 0; i < 30; ++i) {
        auto const slot = results[i];
        ASSERT_EQ(slot.front(), i);
        ASSERT_EQ(slot.back(), i);
        ASSERT_EQ(std::count(slot.begin(), slot.end(), i), static_cast<long>(mebi / 8));
    }
}

TEST(LittleMemory, IsUsedAgainByMapAfterMap) {
    for (std::uint64_t round = 0; round < 10; ++round) {
        auto const results =
            pool().map([round](std::uint64_t i) { return std::vector<std::uint64_t>(mebi / 8, i + round); },
                       indices(30), {.shape = {mebi / 8}});
        for (std::uint64_t i = 0; i < 30; ++i) ASSERT_EQ(results[i].back(), i + round);
    }
}

TEST(LittleMemory, IsEnoughForResultsOfVaryingLengthThatDoNotFitAtOnce) {
    constexpr std::uint64_t most = 200 * 1024;
    auto const length = [](std::uint64_t i) { return most / 2 + i * 37 % (most / 2); };
    auto const results = pool().map(
        [length](std::uint64_t i) { return std::string(length(i), static_cast<char>('a' + i % 26)); },
        indices(600));
    for (std::uint64_t i = 0; i < 600; ++i)
        ASSERT_EQ(results[i], std::string(length(i), static_cast<char>('a' + i % 26)));
}

TEST(LittleMemory, IsEnoughForItemsThatDoNotFitAtOnce) {
    std::vector<std::string> items;
    for (std::size_t i = 0; i < 200; ++i)
        items.emplace_back(mebi / 2 - i * 1000, static_cast<char>('a' + i % 26));
    auto const results = pool().map(
        [](std::string const& s) { return s.size() * 256 + static_cast<unsigned char>(s.back()); }, items);
    for (std::size_t i = 0; i < 200; ++i)
        ASSERT_EQ(results[i], items[i].size() * 256 + static_cast<unsigned char>(items[i].back()));
    std::vector<std::array<char, 4096>> plain(20'000);
    for (std::size_t i = 0; i < plain.size(); ++i) plain[i].fill(static_cast<char>(i % 100));
    auto const lasts = pool().map([](std::array<char, 4096> const& a) { return a.back(); }, plain);
    for (std::size_t i = 0; i < plain.size(); ++i) ASSERT_EQ(lasts[i], static_cast<char>(i % 100));
}

TEST(LittleMemory, FailsATaskWhoseResultIsTooLargeAndNamesTheOption) {
    auto const results = pool().map([](std::uint64_t i) { return std::string(i == 2 ? 60 * mebi : 10, 'z'); },
                                    indices(5), {.on_failure = OnFailure::collect});
    ASSERT_EQ(results.failures().size(), 1u);
    EXPECT_EQ(results.failures()[0].task, 2u);
    EXPECT_TRUE(contains(results.failures()[0].message, "--node-memory"));
    EXPECT_EQ(results[4], std::string(10, 'z'));
}

TEST(LittleMemory, RefusesFixedResultsThatDoNotFitAndNamesTheOption) {
    auto const message = message_of<EnvironmentError>([] {
        (void)pool().map([](std::uint64_t, std::span<char> out) { out[0] = 1; }, indices(1000),
                         {.shape = {mebi}});
    });
    EXPECT_TRUE(contains(message, "--node-memory"));
    EXPECT_TRUE(contains(message, "1000 results"));
    EXPECT_THROW((void)pool().map([](std::uint64_t i) { return i; }, indices(std::uint64_t{1} << 62)), Error);
    expect_usable_pool();
}

TEST(LittleMemory, RefusesItemsAndFunctionsThatDoNotFitAndNamesTheOption) {
    std::vector<std::string> const items{"small", std::string(60 * mebi, 'l')};
    EXPECT_TRUE(contains(message_of<EnvironmentError>(
                             [&] { (void)pool().map([](std::string const& s) { return s.size(); }, items); }),
                         "--node-memory"));
    expect_usable_pool();
    EXPECT_TRUE(contains(message_of<EnvironmentError>(
                             [] { (void)pool().map(Large{std::vector<char>(60 * mebi)}, indices(3)); }),
                         "--node-memory"));
    expect_usable_pool();
}

TEST(LittleMemory, RefusesASharedArrayThatDoesNotFitAndNamesTheOption) {
    auto const kept = pool().share(std::vector<char>(10 * mebi, 'k'));
    auto const message =
        message_of<EnvironmentError>([] { (void)pool().share(std::vector<char>(100 * mebi, 'l')); });
    EXPECT_TRUE(contains(message, "--node-memory"));
    EXPECT_TRUE(contains(message, "100.0 MiB"));
    auto const lasts =
        pool().map([kept = kept.ref()](std::uint64_t) { return kept[10 * mebi - 1]; }, indices(3));
    EXPECT_EQ(lasts[2], 'k');
}

TEST(LittleMemory, IsFreeAgainWhenResultsAreGone) {
    auto const fill = [](std::uint64_t i, std::span<char> out) { out[0] = static_cast<char>(i); };
    for (int round = 0; round < 5; ++round) {
        auto const first = pool().map(fill, indices(20), {.shape = {mebi}});
        EXPECT_THROW((void)pool().map(fill, indices(40), {.shape = {mebi}}), EnvironmentError);
        EXPECT_EQ(first[19][0], 19);
    }
}

}  // namespace
}  // namespace plenum::api_test
