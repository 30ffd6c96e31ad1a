// A state that counts its tasks, for the tests of worker state.
#pragma once

#include <atomic>
#include <cstdint>
#include <plenum/worker_state.hpp>

#include "api/pool_test.hpp"

namespace plenum::api_test {

/// Counts what happens to it.
struct Counter {
    std::uint64_t serial = 0;  ///< of the state in its process
    std::uint64_t calls = 0;
};
inline Counter made() {
    static std::atomic<std::uint64_t> serial{0};
    return {.serial = ++serial, .calls = 0};
}
inline constexpr auto make_counter = [](WorkerContext const&) { return made(); };
inline constexpr auto calls_of = [](Counter const& counter) { return counter.calls; };
inline constexpr auto count_call = [](Counter& counter, std::uint64_t i) {
    ++counter.calls;
    return i * i;
};

template <class Results>
std::uint64_t sum_of(Results const& results) {
    std::uint64_t sum = 0;
    for (auto const& result : results) {
        EXPECT_EQ(result.error, "");
        if (result.value) sum += *result.value;
    }
    return sum;
}

inline std::uint64_t executor_count() {
    return pool().on_each([](WorkerContext const&) { return 0; }).size();
}

}  // namespace plenum::api_test
