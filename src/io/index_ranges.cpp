// Joining and searching ranges of task numbers.
#include "io/index_ranges.hpp"

#include <algorithm>
#include <iterator>

namespace plenum::io {

void IndexRanges::add(std::uint64_t first, std::uint64_t count) {
    if (count == 0) return;
    auto end = first + count;
    auto range = ends_.upper_bound(first);
    if (range != ends_.begin() && std::prev(range)->second >= first) {
        --range;
        first = range->first;
    }
    while (range != ends_.end() && range->first <= end) {
        end = std::max(end, range->second);
        range = ends_.erase(range);
    }
    ends_.emplace_hint(range, first, end);
}

void IndexRanges::remove(std::uint64_t first, std::uint64_t count) {
    if (count == 0) return;
    auto const end = first + count;
    auto range = ends_.upper_bound(first);
    if (range != ends_.begin() && std::prev(range)->second > first) --range;
    while (range != ends_.end() && range->first < end) {
        auto const [begin, last] = *range;
        range = ends_.erase(range);
        if (begin < first) ends_.emplace(begin, first);
        if (last > end) ends_.emplace(end, last);
    }
}

std::uint64_t IndexRanges::count() const noexcept {
    std::uint64_t numbers = 0;
    for (auto const& [begin, end] : ends_) numbers += end - begin;
    return numbers;
}

bool IndexRanges::intersects(std::uint64_t first, std::uint64_t count) const noexcept {
    if (count == 0) return false;
    auto const after = ends_.lower_bound(first + count);
    return after != ends_.begin() && std::prev(after)->second > first;
}

}  // namespace plenum::io
