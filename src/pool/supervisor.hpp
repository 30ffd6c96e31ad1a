// A rank's care for its executor: starts it, sees its end, starts another, collects what tasks print.
#pragma once

#include <poll.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/doorbell.hpp"
#include "base/unique_fd.hpp"
#include "pool/actor_exchange.hpp"
#include "pool/fork_server.hpp"
#include "pool/isolation.hpp"
#include "pool/output_reader.hpp"

namespace plenum::pool {

class Supervisor {
public:
    struct Options {
        Isolation isolation = Isolation::process;
        int threads_per_task = 1;
        int rank = 0;
        base::DoorbellAddress bell;  ///< of this rank's process
        std::function<void(wire::Output)> output;
        ActorExchange* actors = nullptr;  ///< gives executors their way to actors; outlives this
    };
    /// Forks the fork server (main thread, before other threads) for cell `index`. No executor runs yet.
    Supervisor(NodeView node, int index, Options options);
    Supervisor(Supervisor const&) = delete;
    Supervisor& operator=(Supervisor const&) = delete;
    Supervisor(Supervisor&&) = delete;
    Supervisor& operator=(Supervisor&&) = delete;
    ~Supervisor();

    /// A process for the actors of the rank; `socket`: its end. Only with Isolation::process.
    [[nodiscard]] pid_t start_actor_host(int socket);
    /// Starts the executor when its cell is vacant, reaps it when it has died, reads its output. Never
    /// blocks.
    void tick();
    /// What poll() should wait for.
    void add_poll(std::vector<pollfd>& fds) const;
    /// Something is under way that the next tick should look at soon.
    [[nodiscard]] bool restless() const noexcept;
    /// The node has stopped: waits until the executor has left (it is killed after `grace_ms`), reads the
    /// rest.
    void stop(int grace_ms);

private:
    struct Pipe {
        base::UniqueFd read_end, write_end;
    };
    void start();
    void reap();
    void read_output();

    NodeView node_;
    int index_;
    Options options_;
    std::array<Pipe, 2> pipes_;
    std::array<std::unique_ptr<OutputReader>, 2> readers_;
    std::unique_ptr<ForkServer> server_;
    std::thread thread_;  // the executor with Isolation::none
    bool thread_runs_ = false;
    pid_t child_ = -1;
    base::UniqueFd child_fd_;
    std::int32_t channel_ = 0;  // of the executor to the actors
    std::uint64_t oom_kills_ = 0;
    std::uint64_t tasks_at_start_ = 0;
    int idle_deaths_ = 0;
    base::Ringer ringer_;
};

}  // namespace plenum::pool
