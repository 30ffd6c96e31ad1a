// Processor masks of threads.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace plenum::base {

/// Processors of a node, by number, in shared memory: each rank adds its own.
struct ProcessorMask {
    std::array<std::atomic<std::uint64_t>, 64> words;

    /// Adds the processors that this process may use.
    void add_own() noexcept;
    /// How many; 0 when no process has added any.
    [[nodiscard]] int count() const noexcept;
    /// Lets the calling thread use all of the mask; where that is forbidden it stays where it is.
    void apply_to_thread() const noexcept;
};

}  // namespace plenum::base
