// A set of task numbers, stored as ranges: small when tasks finish roughly in order.
#pragma once

#include <cstdint>
#include <map>

namespace plenum::io {

class IndexRanges {
public:
    /// Adds [first, first + count); parts already there are no problem. O(log ranges) amortised.
    void add(std::uint64_t first, std::uint64_t count);
    /// Whether any of [first, first + count) is in the set.
    [[nodiscard]] bool intersects(std::uint64_t first, std::uint64_t count) const noexcept;
    /// Takes [first, first + count) out. O(log ranges) amortised.
    void remove(std::uint64_t first, std::uint64_t count);
    [[nodiscard]] bool empty() const noexcept { return ends_.empty(); }
    /// How many numbers are in the set. O(ranges).
    [[nodiscard]] std::uint64_t count() const noexcept;
    /// Calls visit(begin, end) for each range, in order.
    template <class Visit>
    void for_each(Visit&& visit) const {
        for (auto const& [begin, end] : ends_) visit(begin, end);
    }
    /// Calls visit(begin, end) for each gap inside [begin, end), in order.
    template <class Visit>
    void for_each_gap(std::uint64_t begin, std::uint64_t end, Visit&& visit) const {
        auto at = begin;
        auto range = ends_.upper_bound(begin);
        if (range != ends_.begin()) --range;
        for (; range != ends_.end() && range->first < end; ++range) {
            if (range->first > at) visit(at, range->first);
            if (range->second > at) at = range->second;
        }
        if (at < end) visit(at, end);
    }

private:
    std::map<std::uint64_t, std::uint64_t> ends_;  // begin -> end, disjoint and not adjacent
};

}  // namespace plenum::io
