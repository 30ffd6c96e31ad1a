// `plenum run JOB`: the job's body with its result file, progress and summary.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/command_line.hpp"
#include "app/launch.hpp"

namespace plenum::app {

/// `arguments`: the command line, for the record.
[[nodiscard]] std::unique_ptr<Program> make_job_program(Command const& command, std::string arguments);

}  // namespace plenum::app
