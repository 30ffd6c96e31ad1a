// What the ranks tell each other before the engine starts: that they run the same program, and rank 0's options.
#pragma once

#include <string>
#include <vector>

#include "comm/session.hpp"

namespace plenum::app {

/// What all ranks know after the start.
struct AgreedStart {
    std::string options;             ///< rank 0's text
    std::vector<std::string> cores;  ///< of each rank: "0-1"
    std::vector<std::string> warnings;
};

/// Collective. Compares the builds of all ranks and shares rank 0's options and everybody's cores. `threads`: per
/// task on this rank, for the warning about too many threads. Throws pool::AgreedError when the programs
/// differ.
[[nodiscard]] AgreedStart agree_on_start(comm::Session& session, std::string const& options, int threads);

/// Hash of the build id that the linker wrote into this program and of its registered tasks.
[[nodiscard]] std::string program_id();

}  // namespace plenum::app
