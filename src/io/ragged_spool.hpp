// Results of different lengths, set aside in the order in which they come, read back in task order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "io/spool.hpp"

namespace plenum::io {

class RaggedSpool {
public:
    /// The results of `count` consecutive tasks.
    struct Piece {
        std::uint64_t first = 0;     ///< first task
        std::uint64_t count = 0;     ///< tasks
        std::uint64_t bytes = 0;     ///< of all values
        std::uint64_t position = 0;  ///< of the lengths, which the values follow
    };

    explicit RaggedSpool(std::string folder) : spool_(std::move(folder)) {}

    /// Sets aside the results of tasks first, first + 1, ...; the caller makes sure that no task comes twice.
    void put(std::uint64_t first, std::span<std::uint64_t const> lengths, std::span<std::byte const> values);
    /// All pieces, sorted by task.
    [[nodiscard]] std::vector<Piece> const& in_task_order();
    [[nodiscard]] std::vector<std::uint64_t> lengths(Piece const& piece);
    /// Fills `into` with the values of `piece` from byte `from` on.
    void values(Piece const& piece, std::uint64_t from, std::span<std::byte> into);
    [[nodiscard]] std::uint64_t values_bytes() const noexcept { return values_bytes_; }

private:
    Spool spool_;
    std::vector<Piece> pieces_;
    std::uint64_t values_bytes_ = 0;
};

}  // namespace plenum::io
