// What earlier processes have left of a run: finished files, unfinished ones, and going on with them.
#pragma once

#include <optional>
#include <plenum/error.hpp>
#include <string>
#include <vector>

#include "app/command_line.hpp"
#include "app/launch.hpp"
#include "io/result_records.hpp"

namespace plenum::app {

[[nodiscard]] io::RunIdentity identity_of(Command const& command, RunOptions const& run,
                                          std::string const& command_line);

struct FinishedText {
    ExitCode code = ExitCode::done;
    std::string text{};  ///< one line for the user
    bool goes_on = false;
};

/// The result file of an identical run, when it is there already. Removes what a kill after its publishing
/// left. `goes_on`: an unfinished run of the same lies beside it, which was to replace it.
[[nodiscard]] std::optional<FinishedText> find_finished(std::string const& path,
                                                        io::RunIdentity const& identity);

/// One line for each map of the unfinished run of the file; none when nothing is done. Only looks. Throws
/// UsageError when it is a run of another identity.
[[nodiscard]] std::vector<std::string> describe_unfinished(std::string const& path,
                                                           io::RunIdentity const& identity);

/// Puts job, options and seed of the unfinished run of options.output into both; returns the job and the run
/// options that it has recorded. Throws what ends the program when there is none; ExitCode::done when the
/// file is complete.
LookedUp take_unfinished(Command& command, RunOptions& options);
/// The same for a run that has ended, whose failed tasks are to run again; ExitCode::done when there are
/// none.
LookedUp take_failed(Command& command, RunOptions& options);

}  // namespace plenum::app
