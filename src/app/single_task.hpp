// One task of a job, alone and in this process: plenum run JOB --only 812.
#pragma once

#include <cstdint>
#include <plenum/result_file.hpp>
#include <string>

#include "pool/engine.hpp"

namespace plenum::app {

/// Whether "812" or "MAP:812" is a task of this map.
[[nodiscard]] bool is_in_map(std::string const& only, std::string const& map, std::uint64_t tasks);

/// Runs it, says on standard output how it ended and what its result is, and returns the exit code.
[[nodiscard]] int run_single_task(pool::Engine& engine, detail::ResultMap const& map,
                                  detail::BatchRequest request, std::string const& only);

}  // namespace plenum::app
