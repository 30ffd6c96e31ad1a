// Where the tasks of a rank run.
#pragma once

namespace plenum::pool {

enum class Isolation {
    process,  ///< in a forked child: a crash costs one task
    none,     ///< on a thread of the rank's own process, for debugging: a crash ends the run
};

}  // namespace plenum::pool
