// A rank's care for its executors: starts them, sees their ends, starts others, collects what tasks print.
#pragma once

#include <poll.h>

#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "base/doorbell.hpp"
#include "pool/actor_exchange.hpp"
#include "pool/executor_seat.hpp"
#include "pool/fork_server.hpp"
#include "pool/isolation.hpp"

namespace plenum::pool {

class Supervisor {
public:
    struct Options {
        Isolation isolation = Isolation::process;
        int executors = 1;  ///< of this rank; their cells are consecutive
        ThreadsPerTask threads = {};
        std::uint64_t task_memory = 0;  ///< bytes; 0: no limit
        int rank = 0;
        base::DoorbellAddress bell;  ///< of this rank's process
        std::function<void(wire::Output)> output;
        ActorExchange* actors = nullptr;  ///< gives executors their way to actors; outlives this
        std::string run_file = {};        ///< result file, beside which it is noted who was at work; or empty
        std::string launcher_mark = {};   ///< as of the fork server
    };
    /// Forks the fork server (main thread, before other threads) for the cells from `first_cell` on. No
    /// executor runs yet.
    Supervisor(NodeView node, int first_cell, Options const& options);
    Supervisor(Supervisor const&) = delete;
    Supervisor& operator=(Supervisor const&) = delete;
    Supervisor(Supervisor&&) = delete;
    Supervisor& operator=(Supervisor&&) = delete;
    ~Supervisor();

    /// A process for the actors of the rank; `socket`: its end. Only with Isolation::process.
    [[nodiscard]] pid_t start_actor_host(int socket);
    /// Starts executors where cells are vacant, reaps those that have died, reads their output. Never
    /// blocks.
    void tick();
    /// What poll() should wait for.
    void add_poll(std::vector<pollfd>& fds) const;
    /// How long the next tick may wait, in ms.
    [[nodiscard]] int patience_ms() const noexcept;
    /// This process is about to end because it is told to: no task is charged with that.
    void expect_end() noexcept;
    /// The node has stopped: waits until all executors have left (they are killed after `grace_ms`), reads
    /// the rest.
    void stop(int grace_ms);
    /// The process is about to end at once: ends the executors and removes what they have left.
    void abandon();

private:
    void start_threads();
    void run_thread(int cell, ExecutorPort& actors) const;

    NodeView node_;
    int first_cell_;
    int executors_;
    Isolation isolation_;
    ActorExchange* actors_;
    std::filesystem::path scratch_;   // of this rank
    std::deque<ExecutorSeat> seats_;  // with Isolation::process
    std::unique_ptr<ForkServer> server_;
    std::vector<std::thread> threads_;  // the executors with Isolation::none
};

}  // namespace plenum::pool
