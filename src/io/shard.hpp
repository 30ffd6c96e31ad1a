// A share of the tasks of a run, computed by itself: tasks [index * N / count, (index + 1) * N / count) of a
// map.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "io/result_records.hpp"

namespace plenum::io {

struct Shard {
    std::uint64_t index = 0;  ///< below count
    std::uint64_t count = 1;  ///< 1: all tasks

    [[nodiscard]] bool is_part() const noexcept { return count > 1; }
    /// First of the share of `tasks` tasks.
    [[nodiscard]] std::uint64_t first(std::uint64_t tasks) const noexcept { return border(index, tasks); }
    /// Behind the last one.
    [[nodiscard]] std::uint64_t last(std::uint64_t tasks) const noexcept { return border(index + 1, tasks); }
    [[nodiscard]] std::uint64_t size(std::uint64_t tasks) const noexcept {
        return last(tasks) - first(tasks);
    }

    friend bool operator==(Shard const&, Shard const&) = default;

private:
    [[nodiscard]] std::uint64_t border(std::uint64_t number, std::uint64_t tasks) const noexcept {
        __extension__ using Wide = unsigned __int128;
        return static_cast<std::uint64_t>(Wide{tasks} * number / count);
    }
};

inline constexpr std::uint64_t most_shards = 1'000'000;

/// "3/8" for the fourth of eight. Throws UsageError that names `what`.
[[nodiscard]] Shard parse_shard(std::string_view text, std::string_view what);
[[nodiscard]] std::string text_of(Shard const& shard);

/// The share is a part of what is being run: results of two shards do not mix by accident.
void put_shard(RunIdentity& identity, Shard const& shard);
/// All tasks where nothing else is said.
[[nodiscard]] Shard shard_of(RunIdentity const& identity);
/// The run that the shard is a part of.
[[nodiscard]] RunIdentity without_shard(RunIdentity identity);

}  // namespace plenum::io
