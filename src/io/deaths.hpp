// Tasks that were at work when a process of their run died: a file beside the result file, written by who
// outlives the process, read by who goes on with the run.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "io/result_records.hpp"

namespace plenum::io {

/// One task at the death of the rank that ran it.
struct Death {
    std::uint64_t run = 0;  ///< run_key of the run
    std::uint32_t map = 0;  ///< number of the map in its file
    std::uint64_t task = 0;
    std::int32_t rank = 0;
    std::int64_t process = 0;  ///< of the rank, on its host
    std::int64_t unix_ns = 0;  ///< when it was noticed
    std::string host{};        ///< at most 63 characters are kept
    friend bool operator==(Death const&, Death const&) = default;
};

/// Tells runs apart that write to one file; never 0.
[[nodiscard]] std::uint64_t run_key(RunIdentity const& identity);

[[nodiscard]] std::string deaths_path_of(std::string const& path);

/// Appends to the file, which is made where it is missing. A failure is nobody's concern: the deaths do not
/// count then. Several processes may do it at the same time.
void append_deaths(std::string const& deaths_path, std::span<Death const> deaths) noexcept;

/// Those of that run, in order. Entries that are damaged are left out, as is all that is no entry.
[[nodiscard]] std::vector<Death> read_deaths(std::string const& deaths_path, std::uint64_t run);

/// "the process of rank 1 (7123 on node4) died while the task was at work, 2026-11-28T13:40:02Z": another
/// text for each death of a task.
[[nodiscard]] std::string describe(Death const& death);

}  // namespace plenum::io
