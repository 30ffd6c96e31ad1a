// Random floats as a pure function of seed and position, for inputs that jobs make up.
#pragma once

#include <array>
#include <cstdint>
#include <plenum/random.hpp>

namespace plenum::jobs {

/// What the numbers are for, so that two uses of one seed share none: streams of task_rng. (Tasks use stream
/// 0.)
enum class RandomStream : std::uint16_t {
    filter_bank = 1,
    synthetic_image = 2,
    blobs = 3,
    blob_grain = 4,
    perceptron = 5,
    samples = 6,
    words = 7,
    documents = 8
};

/// Four numbers in [0, 1), multiples of 2^-24 and so exact in float: block `minor` of
/// task_rng(seed, major, stream).
[[nodiscard]] inline std::array<float, 4> uniform4(std::uint64_t seed, RandomStream stream,
                                                   std::uint64_t major, std::uint32_t minor) {
    auto const low = [](std::uint64_t word) { return static_cast<std::uint32_t>(word); };
    auto const words = philox_block({minor, low(major), low(major >> 32), static_cast<std::uint32_t>(stream)},
                                    {low(seed), low(seed >> 32)});
    std::array<float, 4> numbers{};
    for (std::size_t k = 0; k < 4; ++k) numbers[k] = static_cast<float>(words[k] >> 8) * 0x1p-24F;
    return numbers;
}

}  // namespace plenum::jobs
