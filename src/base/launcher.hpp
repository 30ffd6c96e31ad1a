// The launcher of a rank (mpirun, its daemon on another node, slurmstepd), for who wants to know whether it
// lives.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/unique_fd.hpp"

namespace plenum::base {

struct Launcher {
    /// A pidfd, readable as soon as the launcher has ended. Invalid where there is none, as for the first
    /// processes of a container.
    UniqueFd ended{};
    /// slurmstepd: when its ranks have ended it kills at once what they have left, and only then ends itself.
    bool kills_what_is_left = false;
};

/// The launcher of that rank's process: the nearest ancestor without `mark`, an entry "NAME=value" of the
/// environment by which the rank knows its number. Whatever is wrapped around the rank has inherited that.
[[nodiscard]] Launcher watch_launcher_of(pid_t rank, std::string const& mark);

}  // namespace plenum::base
