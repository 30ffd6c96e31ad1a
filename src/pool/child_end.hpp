// How a child process ended, in words.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <iosfwd>
#include <plenum/error.hpp>
#include <string>

#include "pool/node_layout.hpp"

namespace plenum::pool {

struct ChildEnd {
    FailureCause cause = FailureCause::crash;
    std::string message;
};

/// `status`: of waitpid. `what`: what ran in it, as in "the task". `out_of_memory`: the kernel has killed for
/// lack of memory while it lived.
[[nodiscard]] ChildEnd describe_end(int status, FaultNote fault, bool out_of_memory, std::string const& what);

/// The end of a task whose executor its rank has killed.
[[nodiscard]] ChildEnd describe_doom(Doom doom, double timeout_seconds);

/// Kills a child that leads a process group, with all that it has started.
void kill_group(pid_t child);

/// How often the kernel has killed for lack of memory: in the control group of this process where that is
/// known, else on this node.
[[nodiscard]] std::uint64_t count_oom_kills();
/// The file in which the kernel counts them for a control group with a memory controller: by the lines of
/// /proc/self/cgroup, of version 1, 2 or both. Empty where those name none.
[[nodiscard]] std::string file_of_oom_kills(std::istream& groups);

}  // namespace plenum::pool
