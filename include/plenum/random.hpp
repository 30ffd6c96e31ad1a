// Random numbers for tasks: a stream for each seed and task index, the same whatever ran where and when.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace plenum {

/// One block of the counter-based generator Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy
/// as 1, 2, 3", SC11; Random123's implementation): four words that are a pure function of counter and key.
[[nodiscard]] std::array<std::uint32_t, 4> philox_block(std::array<std::uint32_t, 4> const& counter,
                                                        std::array<std::uint32_t, 2> const& key) noexcept;

namespace detail {
[[nodiscard]] double normal_from_bits(std::uint64_t bits) noexcept;
}

/// The stream of one task: 2^49 numbers that depend on seed, index and stream only, so not on ranks,
/// schedule, order, retries or the processor. Streams of different seeds, indices or stream numbers share no
/// block.
///
/// A uniform random bit generator (std::shuffle and the distributions of <random> take it, but what those
/// make of the bits differs between standard libraries; uniform01() and normal() do not). Making one costs
/// nothing; numbers are made 16 at a time, 3 to 5 ns each. Trivially copyable: a copy goes on from the same
/// place. Not for two threads at once. Not for cryptography.
class TaskRng {
public:
    using result_type = std::uint64_t;

    TaskRng(std::uint64_t seed, std::uint64_t index, std::uint16_t stream = 0) noexcept
        : seed_(seed), index_(index), stream_(stream) {}

    [[nodiscard]] static constexpr result_type min() noexcept { return 0; }
    [[nodiscard]] static constexpr result_type max() noexcept {
        return std::numeric_limits<result_type>::max();
    }

    /// The next 64 bits. Number 2k is words 0 and 1 of block k, low word first, number 2k + 1 words 2 and 3.
    [[nodiscard]] result_type operator()() noexcept {
        if (used_ == numbers_.size()) refill();
        return numbers_[used_++];
    }
    /// Uniform in [0, 1), a multiple of 2^-53. Takes one number; the same bits with every compiler.
    [[nodiscard]] double uniform01() noexcept { return static_cast<double>((*this)() >> 11) * 0x1p-53; }
    /// Standard normal, |x| < 8.21. Takes one number (inversion, relative error below 1e-15, about 15 ns);
    /// the same bits with every compiler and mathematical library.
    [[nodiscard]] double normal() noexcept { return detail::normal_from_bits((*this)()); }
    /// As if `count` numbers had been taken. Constant time.
    void discard(std::uint64_t count) noexcept;

private:
    void refill() noexcept;

    std::array<result_type, 16> numbers_{};
    std::size_t used_ = 16;         // of numbers_
    std::uint64_t next_block_ = 0;  // the first block that numbers_ does not reach
    std::uint64_t seed_;
    std::uint64_t index_;
    std::uint16_t stream_;
};

/// The random numbers of task `index` in a run of this seed: `auto rng = plenum::task_rng(seed, index);`
/// inside a task. `stream` tells several uses in one task apart. Capture the seed (JobContext::seed()), not a
/// generator.
[[nodiscard]] inline TaskRng task_rng(std::uint64_t seed, std::uint64_t index,
                                      std::uint16_t stream = 0) noexcept {
    return {seed, index, stream};
}

}  // namespace plenum
