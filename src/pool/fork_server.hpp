// Creates executors and the actor host of one rank: a small process forked early, before threads and MPI
// traffic, whose children are children of the rank's process.
#pragma once

#include <sys/types.h>

#include "base/unique_fd.hpp"
#include "pool/actor_host.hpp"
#include "pool/executor.hpp"
#include "pool/node_layout.hpp"

namespace plenum::pool {

inline constexpr int actor_host_index = -1;

struct SpawnRequest {
    int index = 0;             ///< cell of the executor, or actor_host_index
    std::int32_t channel = 0;  ///< number of an executor's channel to the actors
};

class ForkServer {
public:
    struct Options {
        int threads_per_task = 1;  ///< for OMP_NUM_THREADS and friends where the user left them unset
        ActorHost::Place actor_host = {};
    };
    /// Forks the server. Call it from the main thread, after node memory exists, before other threads do.
    /// `pipes`: the ends that executors write their output to.
    ForkServer(NodeView node, OutputPipes pipes, Options options);
    ForkServer(ForkServer const&) = delete;
    ForkServer& operator=(ForkServer const&) = delete;
    ForkServer(ForkServer&&) = delete;
    ForkServer& operator=(ForkServer&&) = delete;
    ~ForkServer();

    /// Forks an executor or an actor host; returns its process id. `socket`: the child's end for actors'
    /// records; the caller closes its own copy. About 0.3 ms. Throws EnvironmentError when the system has no
    /// room for another process.
    [[nodiscard]] pid_t spawn(SpawnRequest request, int socket);

private:
    pid_t server_ = -1;
    base::UniqueFd socket_;
};

}  // namespace plenum::pool
