// Marks in captured output whose the bytes before them are; used by the process that prints.
#pragma once

#include <array>
#include <cstdint>

#include "pool/executor.hpp"
#include "pool/node_layout.hpp"

namespace plenum::pool {

class OutputMarker {
public:
    /// `taken`: what the reader has read so far, in memory that both processes see.
    OutputMarker(OutputPipes pipes, std::array<OutputTaken, 2>& taken);
    /// Flushes what C and C++ hold back and marks what was written since the last mark as that of [first,
    /// last], inclusive. True: something was. About 0.3 us when nothing was.
    bool mark(std::uint64_t first, std::uint64_t last);

private:
    [[nodiscard]] std::uint64_t written(std::size_t stream) const;

    std::array<int, 2> pipes_;
    std::array<OutputTaken, 2>& taken_;
    std::array<std::uint64_t, 2> marked_{};  // bytes up to and with the last mark
};

}  // namespace plenum::pool
