#include "sched/range_set.hpp"

#include <algorithm>
#include <iterator>

namespace plenum::sched {

void RangeSet::add(Range range) {
    if (range.empty()) return;
    auto next = last_of_.upper_bound(range.first);
    if (next != last_of_.begin() && std::prev(next)->second >= range.first) --next;
    while (next != last_of_.end() && next->first <= range.last) {
        range = {std::min(range.first, next->first), std::max(range.last, next->second)};
        count_ -= next->second - next->first;
        next = last_of_.erase(next);
    }
    last_of_.emplace_hint(next, range.first, range.last);
    count_ += range.size();
}

void RangeSet::remove(Range range) {
    (void)extract(range);
}

std::vector<Range> RangeSet::extract(Range range) {
    std::vector<Range> extracted;
    if (range.empty()) return extracted;
    auto next = last_of_.upper_bound(range.first);
    if (next != last_of_.begin() && std::prev(next)->second > range.first) --next;
    while (next != last_of_.end() && next->first < range.last) {
        Range const old{next->first, next->second};
        next = last_of_.erase(next);
        count_ -= old.size();
        add({old.first, std::min(old.last, range.first)});
        add({std::max(old.first, range.last), old.last});
        extracted.push_back({std::max(old.first, range.first), std::min(old.last, range.last)});
    }
    return extracted;
}

Range RangeSet::take_front(std::uint64_t max) {
    if (empty() || max == 0) return {};
    auto const lowest = last_of_.begin();
    Range const taken{lowest->first, lowest->first + std::min(max, lowest->second - lowest->first)};
    remove(taken);
    return taken;
}

void RangeSet::clear() noexcept {
    last_of_.clear();
    count_ = 0;
}

bool RangeSet::contains(Range range) const {
    if (range.empty()) return true;
    auto const next = last_of_.upper_bound(range.first);
    return next != last_of_.begin() && std::prev(next)->second >= range.last;
}

}  // namespace plenum::sched
