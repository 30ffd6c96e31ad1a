#include "app/task_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <plenum/error.hpp>

#include "app/nearest.hpp"

namespace plenum::app {

std::size_t find_map(io::StoredRun const& run, std::string const& name) {
    std::vector<std::string> names;
    std::string list;
    for (auto const& map : run.maps) {
        names.push_back(map.spec.name);
        list += (list.empty() ? "" : ", ") + map.spec.name;
    }
    if (names.empty()) throw EnvironmentError(fmt::format("{}: holds no map yet", run.file));
    if (name.empty() && names.size() == 1) return 0;
    if (name.empty())
        throw UsageError(
            fmt::format("{}: has {} maps ({}); choose one with --map", run.file, names.size(), list));
    auto const found = std::ranges::find(names, name);
    if (found == names.end())
        throw UsageError(fmt::format("--map: {} has no map '{}'{}; write one of {}", run.file, name,
                                     nearest_hint(name, names), list));
    return static_cast<std::size_t>(found - names.begin());
}

TaskStatus status_of(io::MapRecord const& map, std::uint64_t task) {
    if (map.done.intersects(task, 1)) return TaskStatus::done;
    auto const found = map.attempts.find(task);
    return found != map.attempts.end() && found->second.is_failed() ? TaskStatus::failed
                                                                    : TaskStatus::not_run;
}

char const* name_of(TaskStatus status) {
    return status == TaskStatus::done ? "done" : status == TaskStatus::failed ? "failed" : "not run";
}

int attempts_of(io::MapRecord const& map, std::uint64_t task) {
    auto const found = map.attempts.find(task);
    if (found != map.attempts.end()) return found->second.failed + (found->second.has_result ? 1 : 0);
    return map.done.intersects(task, 1) ? 1 : 0;
}

TimingIndex::TimingIndex(io::RunReader& reader, std::size_t map) {
    reader.for_each_timing(map, [this](io::StoredTiming const& timing) { add(timing); });
}

void TimingIndex::add(io::StoredTiming const& timing) {
    auto const first = timing.row.first, end = first + timing.row.count;
    auto at = entries_.upper_bound(first);
    if (at != entries_.begin() && std::prev(at)->second.end > first) --at;
    while (at != entries_.end() && at->first < end) {
        auto const begin = at->first;
        auto const entry = at->second;
        at = entries_.erase(at);
        if (begin < first) entries_.emplace(begin, Entry{first, entry.timing});
        if (entry.end > end) entries_.emplace(end, Entry{entry.end, entry.timing});
    }
    entries_.insert_or_assign(first, Entry{end, timing});
}

io::StoredTiming const* TimingIndex::find(std::uint64_t task) const {
    auto at = entries_.upper_bound(task);
    if (at == entries_.begin() || (--at)->second.end <= task) return nullptr;
    return &at->second.timing;
}

}  // namespace plenum::app
