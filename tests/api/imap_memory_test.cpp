// Lazy maps with large and ragged results: a slow reader costs bounded memory.
#include <chrono>
#include <plenum/pool.hpp>
#include <ranges>
#include <thread>
#include <vector>

#include "pool_test.hpp"
#include "process_use.hpp"

namespace plenum::api_test {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t mib = 1 << 20;
auto const large = [](std::uint64_t i) { return std::vector<std::uint64_t>(mib / 8, i); };

void expect_bounded(std::uint64_t before) { EXPECT_LT(resident_bytes(), before + 200 * mib); }

TEST(ImapMemory, SlowReaderOfLargeResults) {
    auto const before = resident_bytes();
    std::uint64_t next = 0;
    for (auto const& result : pool().imap(large, plenum::indices(400))) {
        ASSERT_EQ(result.size(), mib / 8);
        ASSERT_EQ(result.back(), next++);
        if (next % 100 == 0) {
            std::this_thread::sleep_for(50ms);
            expect_bounded(before);
            ASSERT_EQ(pool().apply([](int x) { return x; }, 5), 5);  // others are not kept waiting
        }
    }
    EXPECT_EQ(next, 400u);
}

TEST(ImapMemory, SlowFirstTaskOfRaggedResults) {
    auto const ragged = [](int i) {
        if (i == 0) std::this_thread::sleep_for(300ms);
        return std::vector<int>(i % 7 == 0 ? mib / 4 : static_cast<std::uint64_t>(i % 50), i);
    };
    int next = 0;
    auto const before = resident_bytes();
    for (auto const& result : pool().imap(ragged, std::views::iota(0, 1'000))) {
        ASSERT_EQ(result.size(), next % 7 == 0 ? mib / 4 : static_cast<std::uint64_t>(next % 50));
        if (!result.empty()) {
            ASSERT_EQ(result.back(), next);
        }
        if (next == 0 || next == 500) expect_bounded(before);
        ++next;
    }
    EXPECT_EQ(next, 1'000);
}

TEST(ImapMemory, SmallResultsThatBecomeLarge) {
    // The window has grown to thousands of small ones when the large ones come.
    constexpr std::uint64_t small = 4'000;
    auto const f = [](std::uint64_t i) {
        std::this_thread::sleep_for(100us);
        return std::vector<char>(i < small ? 1 : mib, static_cast<char>(i));
    };
    auto const before = resident_bytes();
    std::uint64_t next = 0;
    for (auto const& result : pool().imap(f, plenum::indices(small + 800))) {
        ASSERT_EQ(result.size(), next < small ? 1 : mib);
        ASSERT_EQ(result.back(), static_cast<char>(next));
        if (next == small || next == small + 300) {
            std::this_thread::sleep_for(300ms);
            expect_bounded(before);
        }
        if (++next == small + 500) break;
    }
    EXPECT_EQ(next, small + 500);
    EXPECT_EQ(pool().apply([](int x) { return x; }, 5), 5);
}

TEST(ImapMemory, UnorderedAndMapAtOnce) {
    auto const map = pool().map_async([](int i) { return std::vector<int>(30'000, i); }, std::views::iota(0, 100));
    std::uint64_t sum = 0;
    for (auto const& result : pool().imap_unordered(large, plenum::indices(60))) sum += result[0];
    EXPECT_EQ(sum, 59u * 60 / 2);
    EXPECT_EQ(map.get()[99].back(), 99);
}

}  // namespace
}  // namespace plenum::api_test
