// Creates the executors and the actor host of one rank: a small process forked early, before threads and MPI
// traffic, whose children are children of the rank's process. It outlives the rank for a moment, notes which
// tasks were at work, and removes what that left.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"
#include "pool/actor_host.hpp"
#include "pool/node_layout.hpp"
#include "pool/output_marker.hpp"

namespace plenum::pool {

/// For OMP_NUM_THREADS and friends of executors.
struct ThreadsPerTask {
    int count = 1;
    bool asked = false;  ///< by the user: counts also where those variables are set
};

inline constexpr int actor_host_index = -1;

struct SpawnRequest {
    int index = 0;             ///< cell of the executor, or actor_host_index
    std::int32_t channel = 0;  ///< number of an executor's channel to the actors
};

class ForkServer {
public:
    struct Options {
        int first_cell = 0;
        int executors = 1;
        ThreadsPerTask threads = {};
        std::uint64_t task_memory =
            0;  ///< bytes that an executor may have beyond what it begins with; 0: any
        std::filesystem::path scratch = {};  ///< folder for the scratch folders of the executors
        ActorHost::Place actor_host = {};
        std::string run_file = {};  ///< result file of the run, beside which deaths are noted; empty: nowhere
        std::string launcher_mark{};  ///< base::watch_launcher_of; empty: the rank has no launcher
    };
    /// Forks the server. Call it from the main thread, after node memory exists, before other threads do.
    /// `pipes`: the ends that executors write their output to, from that of `first_cell` on. None: the
    /// server creates no processes and only watches.
    ForkServer(NodeView node, std::vector<OutputPipes> pipes, Options options);
    ForkServer(ForkServer const&) = delete;
    ForkServer& operator=(ForkServer const&) = delete;
    ForkServer(ForkServer&&) = delete;
    ForkServer& operator=(ForkServer&&) = delete;
    /// Kills the executors that still run, and waits until the scratch folders of all are removed. The same
    /// happens when the rank's process ends without coming here.
    ~ForkServer();

    /// Forks an executor or an actor host; returns its process id. `socket`: the child's end for records of
    /// actors; the caller closes its own copy. About 0.3 ms. Throws EnvironmentError when the system has no
    /// room for another process.
    [[nodiscard]] pid_t spawn(SpawnRequest request, int socket);

    /// From now on the end of this process is what somebody has asked for: its tasks are charged with
    /// nothing.
    void expect_end() noexcept;

    /// The scratch folder of the executor with that process id.
    [[nodiscard]] std::filesystem::path scratch_of(pid_t executor) const;

private:
    ExecutorCell& cell_;  // the first of the rank
    std::filesystem::path scratch_;
    pid_t server_ = -1;
    base::UniqueFd socket_;
};

}  // namespace plenum::pool
