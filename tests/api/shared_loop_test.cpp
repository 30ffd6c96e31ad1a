// Large shared arrays made and freed in a loop, as a long run does: the node's memory does not grow.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <thread>

#include "api/pool_test.hpp"

namespace plenum::api_test {
namespace {

/// Bytes that the mapping around `inside` has pages for, whichever process of the node touched them.
std::uint64_t allocated_around(void const* inside) {
    auto const address = reinterpret_cast<std::uintptr_t>(inside);
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        std::uintptr_t begin = 0, end = 0;
        if (std::sscanf(line.c_str(), "%zx-%zx", &begin, &end) != 2 || address < begin || address >= end)
            continue;
        auto const page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
        std::vector<unsigned char> present((end - begin) / page);
        if (::mincore(reinterpret_cast<void*>(begin), end - begin, present.data()) != 0) break;
        return page * static_cast<std::uint64_t>(std::count_if(present.begin(), present.end(),
                                                               [](unsigned char p) { return (p & 1) != 0; }));
    }
    ADD_FAILURE() << "node memory is not mapped";
    return 0;
}

TEST(SharedArrays, LargeOnesMadeAndFreedInALoopDoNotGrow) {
    constexpr std::uint64_t count = 2 << 20;  // 16 MiB of doubles
    auto const kept = pool().share(std::vector<double>(100, 1.5));
    auto const before = allocated_around(kept.data());
    void const* last = nullptr;
    for (int round = 0; round < 1000; ++round) {
        auto const array = pool().share_filled<double>(
            count, [round](std::span<double> out) { out.back() = static_cast<double>(round); });
        last = array.data();
        if (round % 100 == 0) {
            EXPECT_GE(allocated_around(kept.data()), before + count * sizeof(double));
            auto const sums = pool().map(
                [array = array.ref()](std::uint64_t) { return array[0] + array[count - 1]; }, indices(8));
            for (auto const sum : sums) ASSERT_EQ(sum, static_cast<double>(round));
        }
    }
    EXPECT_NE(last, nullptr);
    auto now = allocated_around(kept.data());
    for (int attempt = 0; attempt < 1000 && now > before + (8 << 20);
         ++attempt) {  // nobody waits for freeing
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        now = allocated_around(kept.data());
    }
    EXPECT_LE(now, before + (8 << 20));
    EXPECT_EQ(kept[99], 1.5);
}

}  // namespace
}  // namespace plenum::api_test
