// Options from a TOML file: keys at the top are run options, a table holds the options of the job it names.
#pragma once

#include <map>
#include <span>
#include <string>

#include "app/job_registry.hpp"
#include "app/run_options.hpp"

namespace plenum::app {

struct ConfigValue {
    std::string text = {};    ///< as it would stand in the command line; a flag: "true" or "false"
    std::string source = {};  ///< where it stands, for messages: "run.toml:3: seed"
};

/// What a file gives, by the options' names.
struct ConfigFile {
    std::map<std::string, ConfigValue> run = {};
    std::map<std::string, ConfigValue> job = {};  ///< of the job that was asked for
};

/// Reads the file and checks that every key is an option, in the tables of other jobs too. The values of
/// `job` and of the run are to be checked by who uses them; only flags are known to be true or false here. A
/// list becomes its elements with commas between. Without `jobs` the program is none of `plenum run`: tables
/// are passed over. Local; throws EnvironmentError when the file cannot be read, and UsageError with file,
/// line and key for whatever is wrong in it.
[[nodiscard]] ConfigFile read_config(std::string const& path, std::span<RunOption const> table,
                                     JobRegistry const* jobs, std::string const& job);

}  // namespace plenum::app
