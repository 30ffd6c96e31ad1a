// Squares modulo 2^64, and their sum by the formula.
#pragma once

#include <cstdint>

namespace plenum::jobs {

inline constexpr auto square = [](std::uint64_t x) { return x * x; };

/// 0 + 1 + 4 + ... + (count - 1)^2 modulo 2^64: (n - 1) n (2n - 1) / 6, divided before it is reduced.
[[nodiscard]] constexpr std::uint64_t sum_of_squares(std::uint64_t count) noexcept {
    if (count == 0) return 0;
    std::uint64_t factors[] = {count - 1, count, 2 * count - 1};
    for (std::uint64_t const divisor : {2u, 3u}) {
        for (auto& factor : factors) {
            if (factor % divisor != 0) continue;
            factor /= divisor;
            break;
        }
    }
    return factors[0] * factors[1] * factors[2];
}

}  // namespace plenum::jobs
