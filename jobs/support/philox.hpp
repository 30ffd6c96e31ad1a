// Random numbers as a pure function of seed and position (Random123): the same on every rank, in any order.
#pragma once

#include <Random123/philox.h>

#include <array>
#include <cstdint>

namespace plenum::jobs {

/// What the numbers are for, so that two uses of one seed share none.
enum class RandomStream : std::uint32_t {
    filter_bank = 1,
    synthetic_image = 2,
    blobs = 3,
    blob_grain = 4,
    perceptron = 5,
    samples = 6
};

/// Four numbers in [0, 1), multiples of 2^-24 and so exact in float.
[[nodiscard]] inline std::array<float, 4> uniform4(std::uint64_t seed, RandomStream stream,
                                                   std::uint64_t major, std::uint32_t minor) {
    auto const low = [](std::uint64_t word) { return static_cast<std::uint32_t>(word); };
    r123::Philox4x32 generator;
    r123::Philox4x32::ctr_type const counter = {
        {minor, low(major), low(major >> 32), static_cast<std::uint32_t>(stream)}};
    r123::Philox4x32::key_type const key = {{low(seed), low(seed >> 32)}};
    auto const words = generator(counter, key);
    std::array<float, 4> numbers{};
    for (std::size_t k = 0; k < 4; ++k) numbers[k] = static_cast<float>(words[k] >> 8) * 0x1p-24F;
    return numbers;
}

}  // namespace plenum::jobs
