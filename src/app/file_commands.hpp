// The commands on files of runs: their table, from which parsing and help come. None of them needs MPI.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

namespace plenum::app {

/// One command as it was asked for.
struct FileRequest {
    std::string command = {};
    std::vector<std::string> files = {};
    std::map<std::string, std::string> options = {};  ///< those that were given; flags: "true"

    [[nodiscard]] bool has(std::string const& name) const { return options.contains(name); }
    /// The value, or `fallback` where it was not given.
    [[nodiscard]] std::string value(std::string const& name, std::string const& fallback = {}) const {
        auto const found = options.find(name);
        return found == options.end() ? fallback : found->second;
    }
};

struct FileOption {
    std::string name = {};         ///< without dashes
    std::string short_name = {};   ///< one letter, or empty
    std::string placeholder = {};  ///< empty for a flag
    std::string help = {};
    std::vector<std::string> allowed = {};  ///< the only values, or empty
    std::string optional_number = {};       ///< the value may be left out: then it is this number
};

struct FileCommand {
    std::string name = {};
    std::string arguments = {};  ///< "FILE"
    std::string summary = {};    ///< starts in lower case, no full stop
    std::vector<FileOption> options = {};
    std::size_t most_files = 1;
    /// Returns the exit code; throws what ends the program.
    int (*run)(FileRequest const&) = nullptr;
};

[[nodiscard]] std::span<FileCommand const> file_commands();

/// Runs a command in a child process and returns its exit code: HDF5 does not survive every damaged file, and
/// then the end of the child becomes a message.
int run_file_command(FileRequest const& request);

// The commands.
int run_status(FileRequest const& request);
int run_validate(FileRequest const& request);
int run_export(FileRequest const& request);
int run_show(FileRequest const& request);
int run_merge(FileRequest const& request);

}  // namespace plenum::app
