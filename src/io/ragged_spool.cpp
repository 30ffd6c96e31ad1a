// Pieces of ragged results in a spool: lengths, then values.
#include "io/ragged_spool.hpp"

#include <algorithm>

namespace plenum::io {

void RaggedSpool::put(std::uint64_t first, std::span<std::uint64_t const> lengths,
                      std::span<std::byte const> values) {
    if (lengths.empty()) return;
    auto const position = spool_.append(std::as_bytes(lengths));
    spool_.append(values);
    pieces_.push_back(
        {.first = first, .count = lengths.size(), .bytes = values.size(), .position = position});
    values_bytes_ += values.size();
}

std::vector<RaggedSpool::Piece> const& RaggedSpool::in_task_order() {
    std::ranges::sort(pieces_, {}, &Piece::first);
    return pieces_;
}

std::vector<std::uint64_t> RaggedSpool::lengths(Piece const& piece) {
    std::vector<std::uint64_t> lengths(piece.count);
    spool_.read(piece.position, std::as_writable_bytes(std::span(lengths)));
    return lengths;
}

void RaggedSpool::values(Piece const& piece, std::uint64_t from, std::span<std::byte> into) {
    spool_.read(piece.position + piece.count * sizeof(std::uint64_t) + from, into);
}

}  // namespace plenum::io
