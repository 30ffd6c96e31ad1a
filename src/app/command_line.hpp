// What the user asked for: the command line and the PLENUM_* variables as one checked structure.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "app/environment.hpp"
#include "app/job_registry.hpp"
#include "app/run_options.hpp"

namespace plenum::app {

enum class CommandKind { run, list, describe, version, help };

struct Command {
    CommandKind kind = CommandKind::help;
    std::string text = {};  ///< what to print on standard output; empty for `run`
    std::string job = {};   ///< name of the job, for `run` and `describe`
    /// For `run`: the value of every option that the job declares, by name without dashes; flags "true" or
    /// "false".
    std::map<std::string, std::string> job_options = {};
    std::set<std::string> given_job_options = {};  ///< those of them that stood in the command line
    RunOptions options = {};                       ///< for `run`
};

/// What the application knows and the command line does not.
struct ProgramFacts {
    std::string version = {};                           ///< text of `plenum --version`, without newline
    std::span<std::string_view const> techniques = {};  ///< values of --schedule
    EnvironmentLookup environment = {};
};

/// Parses a whole command line; local, prints nothing, and depends on nothing but its arguments, so that
/// every rank comes to the same result before MPI starts. (Variables may differ between nodes: rank 0's word
/// counts.) Throws UsageError with one line for whatever is wrong. `--help` wins over mistakes in other
/// options.
[[nodiscard]] Command parse_command_line(int argc, char const* const* argv, JobRegistry const& registry,
                                         ProgramFacts const& facts);

}  // namespace plenum::app
