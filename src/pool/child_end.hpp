// How a child process ended, in words.
#pragma once

#include <cstdint>
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

/// How often the kernel has killed for lack of memory.
[[nodiscard]] std::uint64_t count_oom_kills();

}  // namespace plenum::pool
