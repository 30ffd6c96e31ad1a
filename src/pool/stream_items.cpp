#include "pool/stream_items.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "pool/node_layout.hpp"

namespace plenum::pool {

void StreamItems::append(std::uint64_t count, Bytes bytes, std::vector<std::uint64_t> ends) {
    auto const first = next_;
    next_ += count;
    if (count == 0 || (stride_ == 0 && ends.empty())) return;  // index ranges have no items
    std::uint64_t begin = 0;
    for (auto const end : ends) {
        largest_ = std::max(largest_, end - begin);
        begin = end;
    }
    pieces_.emplace(first, Piece{.count = count,
                                 .left = count,
                                 .bytes = std::make_shared<Bytes const>(std::move(bytes)),
                                 .ends = std::move(ends)});
}

std::pair<std::uint64_t, std::uint64_t> StreamItems::extent(Piece const& piece, std::uint64_t i) const {
    if (stride_ != 0) return {i * stride_, (i + 1) * stride_};
    return {i == 0 ? 0 : piece.ends[i - 1], piece.ends[i]};
}

wire::Payload StreamItems::payload(wire::TaskRange tasks) const {
    if (pieces_.empty()) return {};
    auto piece = std::prev(pieces_.upper_bound(tasks.first));
    if (stride_ != 0 && tasks.last <= piece->first + piece->second.count)
        return {piece->second.bytes,
                ByteView(*piece->second.bytes)
                    .subspan((tasks.first - piece->first) * stride_, tasks.count() * stride_)};
    Bytes items(stride_ != 0 ? 0 : item_table_bytes(tasks.count()));
    std::vector<std::uint64_t> offsets{0};
    for (auto task = tasks.first; task < tasks.last; ++piece) {
        auto const first = task - piece->first;
        auto const last = std::min(tasks.last - piece->first, piece->second.count);
        auto const begin = extent(piece->second, first).first, end = extent(piece->second, last - 1).second;
        if (stride_ == 0)
            for (auto i = first; i < last; ++i)
                offsets.push_back(offsets.back() + extent(piece->second, i).second -
                                  extent(piece->second, i).first);
        auto const bytes = ByteView(*piece->second.bytes).subspan(begin, end - begin);
        items.insert(items.end(), bytes.begin(), bytes.end());
        task = piece->first + last;
    }
    if (stride_ == 0) std::memcpy(items.data(), offsets.data(), offsets.size() * sizeof(std::uint64_t));
    return wire::Payload::of(std::move(items));
}

void StreamItems::forget(wire::TaskRange tasks) {
    if (pieces_.empty()) return;
    auto piece = std::prev(pieces_.upper_bound(tasks.first));
    for (auto task = tasks.first; task < tasks.last;) {
        auto const last = std::min(tasks.last, piece->first + piece->second.count);
        piece->second.left -= last - task;
        task = last;
        piece = piece->second.left == 0 ? pieces_.erase(piece) : std::next(piece);
    }
}

}  // namespace plenum::pool
