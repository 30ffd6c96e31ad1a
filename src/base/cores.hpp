// Which cores this process may use (hwloc), and thread counts for the libraries that tasks call.
#pragma once

#include <string>

namespace plenum::base {

struct CoreReport {
    std::string cores;   ///< physical cores this process may run on: "0-1", "4"
    int count = 0;       ///< how many cores
    int node_cores = 0;  ///< physical cores of the machine
};

/// About 10 ms the first time (hwloc reads the topology).
[[nodiscard]] CoreReport report_cores();

/// OMP_NUM_THREADS and friends: sets those that the user left unset to `threads`, for this process and what
/// it loads or starts later; libraries that are loaded already are told by their own calls. `over_users`:
/// also those that the user has set.
void limit_library_threads(int threads, bool over_users = false);

/// The most threads that a task will use: the largest of the user's own settings of those variables, or
/// `threads`.
[[nodiscard]] int library_threads(int threads);

}  // namespace plenum::base
