// What the ranks tell each other before the engine starts: the build they run, and rank 0's options.
#pragma once

#include <map>
#include <plenum/error.hpp>
#include <string>
#include <vector>

#include "comm/session.hpp"

namespace plenum::app {

/// The run options by name, as text that may hold any bytes.
using OptionTexts = std::map<std::string, std::string>;

/// Why rank 0's options are wrong.
struct Refusal {
    std::string message = {};  ///< empty: they are not
    ExitCode code = ExitCode::usage;
};

/// Where a rank runs, by its own word.
struct RankPlace {
    std::string cores = {};  ///< that it may use: "0-1"
    int count = 0;           ///< of them
    int node_cores = 0;
    int threads = 1;  ///< of a task, by the rank's environment
    template <class Archive>
    void serialize(Archive& archive) {
        archive(cores, count, node_cores, threads);
    }
};

/// What all ranks know after the start.
struct AgreedStart {
    OptionTexts options;            ///< rank 0's
    std::vector<RankPlace> places;  ///< of each rank
};

/// Collective. Compares the builds of all ranks and shares rank 0's options and everybody's cores. Of other
/// ranks neither options nor refusal count. `threads`: per task on this rank. Throws pool::AgreedError when
/// the programs differ, two tasks have one name or rank 0 refuses.
[[nodiscard]] AgreedStart agree_on_start(comm::Session& session, OptionTexts const& options,
                                         Refusal const& refusal, int threads);

/// What is to be said about tasks that have too few cores. `executors`: of each rank.
[[nodiscard]] std::vector<std::string> placement_warnings(comm::Topology const& topology,
                                                          std::vector<RankPlace> const& places,
                                                          int executors);

/// Hash of the build id that the linker wrote into this program and of its registered tasks.
[[nodiscard]] std::string program_id();

}  // namespace plenum::app
