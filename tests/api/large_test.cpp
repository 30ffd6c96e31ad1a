// One array of more than 2 GiB and more than 2^31 elements: whole on every node, also beyond the reach of an
// int.
#include <cstdint>
#include <cstring>
#include <fstream>

#include "api/pool_test.hpp"

namespace plenum::api_test {
namespace {

constexpr std::uint64_t elements = (std::uint64_t{22} << 30) / 10 / 4096 * 4096;  // of one byte
static_assert(elements > std::uint64_t{1} << 31);

constexpr std::uint64_t word = sizeof(std::uint64_t);

/// Bytes [8 i, 8 i + 8) of the array.
constexpr std::uint64_t value_at(std::uint64_t i) {
    return i * 0x9e37'79b9'7f4a'7c15u + (i >> 20);
}

std::uint64_t memory_available() {
    std::ifstream file("/proc/meminfo");
    std::string key, rest;
    std::uint64_t kibibytes = 0;
    while (file >> key >> kibibytes) {
        if (key == "MemAvailable:") return kibibytes * 1024;
        std::getline(file, rest);
    }
    return 0;
}

TEST(LargeArray, BeyondTwoToThe31BytesIsTheSameOnEveryNode) {
    constexpr std::uint64_t needed = std::uint64_t{8} << 30;
    if (memory_available() < needed) GTEST_SKIP() << "less than 8 GiB of memory are available";
    auto const array = pool().share_filled<std::uint8_t>({elements}, [](std::span<std::uint8_t> out) {
        for (std::uint64_t i = 0; i < out.size() / word; ++i) {
            auto const value = value_at(i);
            std::memcpy(out.data() + i * word, &value, word);
        }
    });
    ASSERT_EQ(array.size(), elements);
    // Every task checks a part of the array, a page of every 64: all of it in as many tasks, and on whichever
    // node they run something of each piece that has travelled.
    constexpr std::uint64_t parts = 64, page = 4096 / word;
    for (int round = 0; round < 2; ++round) {
        auto const wrong = pool().map(
            [array = array.ref()](std::uint64_t part) {
                std::uint64_t differences = 0;
                for (auto begin = part * page; begin < elements / word; begin += parts * page)
                    for (auto i = begin; i < begin + page; ++i) {
                        std::uint64_t value = 0;
                        std::memcpy(&value, array.data() + i * word, word);
                        differences += value != value_at(i) ? 1 : 0;
                    }
                return differences;
            },
            indices(parts), {.schedule = "ss"});
        for (auto const count : wrong) ASSERT_EQ(count, 0u);
    }
    auto const last = value_at(elements / word - 1);
    EXPECT_EQ(array.ref()[elements - 1], static_cast<std::uint8_t>(last >> 56));
}

TEST(LargeResults, OfHalfAGibibyteArriveWhole) {
    constexpr std::uint64_t needed = std::uint64_t{4} << 30, values = (8 << 20) / sizeof(std::uint64_t);
    if (memory_available() < needed) GTEST_SKIP() << "less than 4 GiB of memory are available";
    auto const results = pool().map(
        [](std::uint64_t i, std::span<std::uint64_t> out) {
            for (std::uint64_t k = 0; k < out.size(); ++k) out[k] = i * values + k;
        },
        indices(64), {.shape = {values}});
    for (std::uint64_t i = 0; i < 64; ++i) {
        std::uint64_t wrong = 0, k = 0;
        for (auto const value : results[i]) wrong += value != i * values + k++ ? 1 : 0;
        ASSERT_EQ(wrong, 0u) << "task " << i;
    }
}

TEST(LargeArray, LeavesRoomForTheNext) {
    constexpr std::uint64_t needed = std::uint64_t{8} << 30;
    if (memory_available() < needed) GTEST_SKIP() << "less than 8 GiB of memory are available";
    auto const array = pool().share(std::vector<int>(1 << 20, 3));
    auto const lasts =
        pool().map([array = array.ref()](std::uint64_t) { return array[(1 << 20) - 1]; }, indices(4));
    EXPECT_EQ(lasts[3], 3);
}

}  // namespace
}  // namespace plenum::api_test
