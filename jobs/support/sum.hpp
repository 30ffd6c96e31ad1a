// The sum of a large array of integers, as fast as memory delivers it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace plenum::jobs {

/// Sum modulo 2^64.
[[nodiscard]] std::int64_t sum_of(std::span<std::int64_t const> values);

/// One variant of the sum that this processor can run.
struct SumKernel {
    char const* name;
    std::int64_t (*run)(std::span<std::int64_t const>);
};

/// All variants that this processor can run, the fastest last.
[[nodiscard]] std::vector<SumKernel> const& sum_kernels();

/// Element i of the array of blob_sum: 16 bits of an odd multiple of i, shifted by the seed.
[[nodiscard]] constexpr std::int64_t blob_element(std::uint64_t i, std::uint64_t seed) noexcept {
    return static_cast<std::int64_t>((40'503 * i + seed) & 0xFFFF);
}

/// Sum of the first `count` elements without adding them all: every 2^16 neighbours are the numbers 0 to
/// 65535 in some order.
[[nodiscard]] std::int64_t blob_sum_formula(std::uint64_t count, std::uint64_t seed) noexcept;

}  // namespace plenum::jobs
