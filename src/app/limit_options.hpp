// Run options about attempts, failures, time and memory: the part of the table that limits a run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/run_options.hpp"

namespace plenum::app {

[[nodiscard]] std::vector<RunOption> limit_option_table();

/// What the options come to on rank 0. `start_ns`: when the run began; `environment`: for the end of a Slurm
/// job, which counts like --time-limit.
[[nodiscard]] pool::RunLimits run_limits(RunOptions const& options, std::uint64_t start_ns,
                                         EnvironmentLookup const& environment);

/// One line for each limit that this run cannot keep.
[[nodiscard]] std::vector<std::string> limit_warnings(RunOptions const& options);

}  // namespace plenum::app
