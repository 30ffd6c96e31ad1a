// What the commands on files know about single tasks.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "io/run_reader.hpp"

namespace plenum::app {

/// The map that --map names, or the only one. Throws UsageError that lists them.
[[nodiscard]] std::size_t find_map(io::StoredRun const& run, std::string const& name);

enum class TaskStatus : std::uint8_t { done, failed, not_run };
[[nodiscard]] TaskStatus status_of(io::MapRecord const& map, std::uint64_t task);
/// "done", "failed", "not run".
[[nodiscard]] char const* name_of(TaskStatus status);
/// How often it ran to an end, as far as is known.
[[nodiscard]] int attempts_of(io::MapRecord const& map, std::uint64_t task);

/// Where and when the tasks of a map ran last. Memory: some 100 bytes for each row of timing.
class TimingIndex {
public:
    TimingIndex(io::RunReader& reader, std::size_t map);
    /// Nothing: nobody knows.
    [[nodiscard]] io::StoredTiming const* find(std::uint64_t task) const;

private:
    void add(io::StoredTiming const& timing);
    struct Entry {
        std::uint64_t end;
        io::StoredTiming timing;
    };
    std::map<std::uint64_t, Entry> entries_;  // by first task; disjoint
};

}  // namespace plenum::app
