// Monotonic time of this node, comparable between its processes.
#pragma once

#include <ctime>

#include <cstdint>

namespace plenum::base {

/// Nanoseconds of CLOCK_MONOTONIC: about 20 ns a call.
[[nodiscard]] inline std::uint64_t now_ns() noexcept {
    timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(t.tv_nsec);
}

/// Seconds since `start_ns`.
[[nodiscard]] inline double seconds_since(std::uint64_t start_ns) noexcept {
    return static_cast<double>(now_ns() - start_ns) * 1e-9;
}

}  // namespace plenum::base
