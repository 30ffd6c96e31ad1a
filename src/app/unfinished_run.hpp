// What earlier processes have left of a run: finished files, unfinished ones, and going on with them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <plenum/error.hpp>
#include <plenum/result_file.hpp>
#include <string>
#include <vector>

#include "app/command_line.hpp"
#include "app/launch.hpp"
#include "io/result_records.hpp"
#include "io/shard.hpp"

namespace plenum::app {

[[nodiscard]] io::RunIdentity identity_of(Command const& command, RunOptions const& run,
                                          std::string const& command_line);

struct FinishedText {
    ExitCode code = ExitCode::done;
    std::string text{};         ///< one line for the user
    std::uint64_t journal = 0;  ///< id of that behind the file
    bool goes_on = false;       ///< an unfinished run of the same lies beside it, which was to replace it
};

/// The result file of an identical run, when it is there already. Only looks.
[[nodiscard]] std::optional<FinishedText> find_finished(std::string const& path,
                                                        io::RunIdentity const& identity);

/// Tasks of a map that ended before and do not run again.
struct TasksOver {
    std::uint64_t done = 0, failed = 0;
};
/// Those that earlier processes have left to a run with these options, by the map's name. Only looks. Throws
/// UsageError when the unfinished run of the file is one of another identity.
[[nodiscard]] std::map<std::string, TasksOver> tasks_over(RunOptions const& options,
                                                          io::RunIdentity const& identity);
/// One line for the user about a map of `tasks` tasks: how many of them would run, and what comes of them.
[[nodiscard]] std::string describe_plan(detail::ResultMap const& map, std::uint64_t tasks,
                                        TasksOver const& over, io::Shard const& shard);

/// Puts job, options and seed of the unfinished run of options.output into both; returns the job and the run
/// options that it has recorded. Throws what ends the program when there is none; ExitCode::done when the
/// file is complete.
LookedUp take_unfinished(Command& command, RunOptions& options);
/// The same for a run that has ended, whose failed tasks are to run again; ExitCode::done when there are
/// none.
LookedUp take_failed(Command& command, RunOptions& options);

}  // namespace plenum::app
