// One array of more than 2 GiB and more than 2^31 bytes: whole on every node, also beyond the reach of an
// int.
#include <cstdint>
#include <fstream>

#include "api/pool_test.hpp"

namespace plenum::api_test {
namespace {

constexpr std::uint64_t elements = (std::uint64_t{22} << 30) / 10 / sizeof(std::uint32_t);
static_assert(elements * sizeof(std::uint32_t) > std::uint64_t{1} << 31);

constexpr std::uint32_t value_at(std::uint64_t i) {
    return static_cast<std::uint32_t>(i * 2654435761u + (i >> 20));
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
    auto const array = pool().share_filled<std::uint32_t>(elements, [](std::span<std::uint32_t> out) {
        for (std::uint64_t i = 0; i < out.size(); ++i) out[i] = value_at(i);
    });
    ASSERT_EQ(array.size(), elements);
    // Every task checks a part of the array; all of it in as many tasks, on whichever node they run.
    constexpr std::uint64_t parts = 64;
    for (int round = 0; round < 2; ++round) {
        auto const wrong = pool().map(
            [array = array.ref()](std::uint64_t part) {
                std::uint64_t differences = 0;
                for (auto i = part; i < array.size(); i += parts)
                    differences += array[i] != value_at(i) ? 1 : 0;
                return differences;
            },
            indices(parts), {.schedule = "ss"});
        for (auto const count : wrong) ASSERT_EQ(count, 0u);
    }
    EXPECT_EQ(array.ref()[elements - 1], value_at(elements - 1));
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
