// Marks in captured output whose the bytes before them are; used by the process that prints.
#pragma once

#include <array>
#include <cstdint>

#include "pool/node_layout.hpp"

namespace plenum::pool {

/// Where an executor's printed output goes; -1: it is not captured.
struct OutputPipes {
    int out = -1;
    int error = -1;
};

/// Framing of captured output: this mark in the pipe says whose the bytes before it are.
struct OutputMark {
    std::uint32_t magic = 0x4d4c501f;             // 0x1f "PLM"
    std::uint32_t batch = 0;                      ///< of tasks
    std::uint64_t first_task = 0, last_task = 0;  ///< inclusive
};

class OutputMarker {
public:
    /// `taken`: what the reader has read so far, in memory that both processes see.
    OutputMarker(OutputPipes pipes, std::array<OutputTaken, 2>& taken);
    /// Flushes what C and C++ hold back and marks what was written since the last mark as that of [first,
    /// last] of the batch, inclusive. True: something was. About 0.3 us when nothing was.
    bool mark(std::uint64_t first, std::uint64_t last, std::uint32_t batch = 0);

private:
    [[nodiscard]] std::uint64_t written(std::size_t stream) const;

    std::array<int, 2> pipes_;
    std::array<OutputTaken, 2>& taken_;
    std::array<std::uint64_t, 2> marked_{};  // bytes up to and with the last mark
};

}  // namespace plenum::pool
