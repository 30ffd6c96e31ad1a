// A set of task numbers, kept as ordered disjoint intervals.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

namespace plenum::sched {

/// The tasks first, first + 1, ..., last - 1.
struct Range {
    std::uint64_t first = 0, last = 0;

    [[nodiscard]] std::uint64_t size() const noexcept { return last - first; }
    [[nodiscard]] bool empty() const noexcept { return last <= first; }
    friend bool operator==(Range const&, Range const&) = default;
};

/// Memory grows with the number of intervals, not of tasks. Neighbouring intervals are joined.
/// Every operation is O(log n) in the number of intervals, plus the intervals that it swallows.
/// Empty ranges are allowed everywhere and change nothing.
class RangeSet {
public:
    RangeSet() = default;
    explicit RangeSet(Range range) { add(range); }

    /// Union: numbers already in the set stay in it once.
    void add(Range range);
    /// Difference: numbers not in the set are no error.
    void remove(Range range);
    /// Removes the numbers of the range that are in the set, and returns them.
    std::vector<Range> extract(Range range);
    /// Removes and returns the lowest interval, or its first `max` numbers when it is longer.
    /// Empty when the set is empty or `max` is 0.
    Range take_front(std::uint64_t max);
    void clear() noexcept;

    /// Whether every number of the range is in the set.
    [[nodiscard]] bool contains(Range range) const;
    /// How many numbers are in the set, O(1).
    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
    /// The intervals, first -> last, for iteration.
    [[nodiscard]] std::map<std::uint64_t, std::uint64_t> const& intervals() const noexcept {
        return last_of_;
    }

private:
    std::map<std::uint64_t, std::uint64_t> last_of_;  // first -> last
    std::uint64_t count_ = 0;
};

}  // namespace plenum::sched
