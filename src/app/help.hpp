// Every help text of the command line, laid out for 80 columns. Each ends with a newline.
#pragma once

#include <plenum/job.hpp>
#include <span>
#include <string>

#include "app/file_commands.hpp"
#include "app/job_registry.hpp"
#include "app/run_options.hpp"

namespace plenum::app {

/// `plenum --help`: commands, run options, environment, exit codes, an example.
[[nodiscard]] std::string program_help(std::span<RunOption const> table);
/// `plenum run --help`, without a job: how to call it, and the run options.
[[nodiscard]] std::string run_help(std::span<RunOption const> table);
/// `plenum resume --help`, `plenum retry --help`.
[[nodiscard]] std::string again_help(std::string const& command, std::span<RunOption const> table);
/// `plenum status --help` and the like.
[[nodiscard]] std::string file_command_help(FileCommand const& command);
/// `plenum describe JOB` and `plenum run JOB --help`: summary, job options, run options, example.
[[nodiscard]] std::string job_help(Job const& job, std::span<RunOption const> table);
/// `plenum list`: one line for each job, its name and summary.
[[nodiscard]] std::string job_list(JobRegistry const& registry);
/// The run options as a Markdown table, for the documentation.
[[nodiscard]] std::string run_options_markdown(std::span<RunOption const> table);

}  // namespace plenum::app
