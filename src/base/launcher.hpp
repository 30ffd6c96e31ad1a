// The launcher of a rank (mpirun, its daemon on another node, slurmstepd), for who wants to know whether it
// lives.
#pragma once

#include <sys/types.h>

#include "base/unique_fd.hpp"

namespace plenum::base {

/// A pidfd of the launcher of that rank's process: readable as soon as the launcher has ended. Launchers put
/// each rank, with what is wrapped around it, into a process group; so the launcher is the nearest ancestor
/// outside of that. Invalid where there is none, as for the first processes of a container.
[[nodiscard]] UniqueFd watch_launcher_of(pid_t rank);

}  // namespace plenum::base
