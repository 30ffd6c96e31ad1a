// The place of one executor in its rank: its cell, its pipes, and the process that fills it now.
#pragma once

#include <poll.h>
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/doorbell.hpp"
#include "base/unique_fd.hpp"
#include "pool/actor_exchange.hpp"
#include "pool/fork_server.hpp"
#include "pool/output_reader.hpp"

namespace plenum::pool {

/// Takes a cell from vacant to running; the executor may begin at once.
void occupy(ExecutorCell& cell);

class ExecutorSeat {
public:
    static constexpr int most_patience_ms = 100;
    using Output = std::function<void(wire::Output)>;
    /// Opens the pipes; no executor runs yet. Throws EnvironmentError when no descriptors are left.
    /// `actors`: gives each executor its way to actors; outlives this.
    ExecutorSeat(NodeView node, int index, Output const& output, ActorExchange& actors);
    ExecutorSeat(ExecutorSeat const&) = delete;
    ExecutorSeat& operator=(ExecutorSeat const&) = delete;
    ExecutorSeat(ExecutorSeat&&) = delete;
    ExecutorSeat& operator=(ExecutorSeat&&) = delete;
    /// Kills the executor if it still runs.
    ~ExecutorSeat();

    /// For the fork server; closed here once it has them.
    [[nodiscard]] OutputPipes write_ends() const noexcept;
    void close_write_ends() noexcept;
    /// Reads the output, reaps an executor that has ended, starts one when the cell is vacant. Never blocks.
    void tick(ForkServer& server);
    void add_poll(std::vector<pollfd>& fds) const;
    [[nodiscard]] bool occupied() const noexcept { return child_ > 0; }
    /// How long tick() may wait because of the task at work, in ms.
    [[nodiscard]] int patience_ms() const noexcept { return patience_ms_; }
    /// The node has stopped: waits for the end, by force after `grace_ms`, and reads the rest.
    void close(int grace_ms);

private:
    struct Pipe {
        base::UniqueFd read_end, write_end;
    };
    /// What the executor was seen to run.
    struct Watched {
        std::uint64_t claim = 0, task = 0;
        std::uint64_t since_ns = 0;  // 0: nothing
    };
    void start(ForkServer& server);
    /// Kills the executor when its task takes too long, or when all tasks are to end.
    void watch_task();
    void doom(Doom why, Watched const& running);
    void reap(ForkServer const& server);
    void read_output();
    void finish_output();

    NodeView node_;
    int index_;
    ExecutorCell& cell_;
    ActorExchange& actors_;
    std::int32_t channel_ = 0;  // of the executor, to the actors
    std::array<Pipe, 2> pipes_;
    std::array<std::unique_ptr<OutputReader>, 2> readers_;
    pid_t child_ = -1;
    base::UniqueFd child_fd_;
    std::uint64_t oom_kills_ = 0;
    std::uint64_t tasks_at_start_ = 0;
    int idle_deaths_ = 0;
    Watched watched_;
    int patience_ms_ = most_patience_ms;
    base::Ringer ringer_;
};

}  // namespace plenum::pool
