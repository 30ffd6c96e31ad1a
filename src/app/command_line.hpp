// What the user asked for: the command line as one checked structure.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/file_commands.hpp"
#include "app/job_registry.hpp"
#include "app/run_options.hpp"

namespace plenum::app {

enum class CommandKind { run, file, list, describe, version, help };

struct Command {
    CommandKind kind = CommandKind::help;
    std::string text = {};  ///< what to print on standard output; empty for `run` and `file`
    std::string job = {};   ///< name of the job, for `run` and `describe`; empty: that of the unfinished run
    /// For `run`: job, its options and the seed are those that the unfinished run of the output file was
    /// begun with.
    bool resumes = false;
    bool retries = false;  ///< the same for the failed tasks of a finished run
    /// For `run`: the value of every option that the job declares, by name without dashes; flags "true" or
    /// "false".
    std::map<std::string, std::string> job_options = {};
    std::set<std::string> given_job_options = {};  ///< those of them that stood in the command line
    FileRequest file = {};                         ///< for `file`
    RunOptions options = {};                       ///< for `run`
    std::vector<std::string> given_options = {};   ///< names of those of them that stood in the command line
    std::vector<std::string> fixed_options = {};   ///< names of those that are as the run before had them
};

/// What the application knows and the command line does not.
struct ProgramFacts {
    std::string version = {};                           ///< text of `plenum --version`, without newline
    std::span<std::string_view const> techniques = {};  ///< values of --schedule
};

/// Parses a whole command line; local, prints nothing, and depends on nothing but its arguments, so that
/// every rank comes to the same result before MPI starts. The PLENUM_* variables, which may differ between
/// nodes, are applied later, on rank 0. Throws UsageError with one line for whatever is wrong. `--help` wins
/// over mistakes in other options.
[[nodiscard]] Command parse_command_line(int argc, char const* const* argv, JobRegistry const& registry,
                                         ProgramFacts const& facts);

}  // namespace plenum::app
