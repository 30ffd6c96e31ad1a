// The engine of one rank: node memory, executors, leader, and on rank 0 the host of the body. Each rank runs
// one.
#pragma once

#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/interrupt.hpp"
#include "base/unique_fd.hpp"
#include "comm/session.hpp"
#include "pool/actor_exchange.hpp"
#include "pool/host.hpp"
#include "pool/leader.hpp"
#include "pool/node_watch.hpp"
#include "pool/supervisor.hpp"

namespace plenum::pool {

struct EngineOptions {
    sched::Technique schedule = sched::Technique::automatic;
    std::uint64_t chunk_size = 0;
    Isolation isolation = Isolation::process;
    std::uint64_t node_memory = 0;         ///< bytes; 0: half of what the node can give
    int executors = 1;                     ///< of each rank
    std::uint64_t tasks_per_executor = 0;  ///< 0: any number
    ThreadsPerTask threads = {};
    RunLimits limits = {};      ///< its times are rank 0's
    std::string run_file = {};  ///< result file whose run counts deaths of ranks; empty: nobody does
    /// Of the environment of a rank of mpirun or the like, not in that of its launcher; empty: no launcher.
    std::string launcher_mark = {};
};

/// What the executors of a rank did, all together.
struct RankReport {
    int rank = 0;
    std::uint64_t tasks = 0;
    double busy_seconds = 0;
    double first_start = 0, last_end = 0;  ///< s since the engine was ready; 0: no task ran
    wire::CacheTally cache = {};
};

class Engine {
public:
    /// Collective. Reserves node memory and forks the fork server: call it from the main thread, before the
    /// program starts threads. An error of any node (too little memory, different programs) is thrown on
    /// every rank.
    Engine(comm::Session& session, EngineOptions options);
    Engine(Engine const&) = delete;
    Engine& operator=(Engine const&) = delete;
    Engine(Engine&&) = delete;
    Engine& operator=(Engine&&) = delete;
    ~Engine();

    /// Collective: the loop of this rank until the program has ended. On rank 0 `body` runs on a thread of
    /// its own, then, when all executors have left, `conclude` on the main thread with the body's code; it
    /// returns the exit code, which every rank returns. Both must not throw and are not called elsewhere.
    int serve(std::function<int()> const& body, std::function<int(int)> const& conclude);

    // ---- rank 0 ----
    [[nodiscard]] Host& host() noexcept { return *host_; }
    [[nodiscard]] BodyPort& actors() noexcept { return actors_->body(); }
    [[nodiscard]] NodeView node() const noexcept { return node_; }
    [[nodiscard]] comm::Topology const& topology() const noexcept { return session_.topology(); }
    /// Throws EnvironmentError when this node has no longer `bytes` to give for `what`. Any thread; about 0.1
    /// ms for large numbers, nothing for small ones.
    void require_memory(std::uint64_t bytes, std::string const& what) const;
    /// Memory for results that stay on rank 0's node. Thread-safe.
    [[nodiscard]] SegmentPool& kept_results() noexcept { return *kept_; }
    /// Lines that tasks printed arrive here, on the main thread.
    void on_output(std::function<void(wire::Output const&)> handler) { output_handler_ = std::move(handler); }
    /// Gets a line for the user about something that need not end the run, on the main thread.
    void on_notice(std::function<void(std::string const&)> handler) { notice_handler_ = std::move(handler); }
    /// Called about every 50 ms while the body runs, on the main thread.
    void on_idle(std::function<void()> handler) { idle_handler_ = std::move(handler); }
    /// Called on the main thread when a signal asks rank 0 to end, or with 0 when the run's time is over and
    /// tasks do not end; true: every rank ends at once with
    /// ExitCode::incomplete. false: the run is at its end anyway and goes on.
    void on_interrupt(std::function<bool(int signal)> handler) { interrupt_handler_ = std::move(handler); }
    /// For long steps of `conclude`, every 25 ms or so: does not return when the run was interrupted.
    void check_interrupt();
    /// Called when this rank cannot go on; must end the program on all ranks and not return.
    void on_fatal(std::function<void(std::exception const&)> handler) { fatal_handler_ = std::move(handler); }
    /// In `conclude`: all ranks, in order.
    [[nodiscard]] std::vector<RankReport> const& reports() const noexcept { return reports_; }
    /// When the engine was ready, in base::now_ns().
    [[nodiscard]] std::uint64_t start_ns() const noexcept { return start_ns_; }

private:
    void reserve_memory();
    [[nodiscard]] int first_cell(int node_rank) const noexcept { return node_rank * options_.executors; }
    void send(int rank, wire::Message message);
    void run_loop(std::thread& body_thread, std::atomic<bool> const& body_ended);
    void wait();
    /// Hands what rank 0 tells all ranks on to the ranks of this node.
    void relay(wire::Message const& message);
    void dispatch(comm::Incoming incoming);
    void on(wire::ArrayStep const& step);
    void on(wire::ArrayPiece piece);
    [[nodiscard]] std::string check_array(wire::ArrayStep const& step) const;
    [[nodiscard]] std::string populate_array(wire::ArrayStep const& step) const;
    void leave();
    /// mpirun has died, killed or by a second Ctrl-C: soon this rank does, too.
    [[nodiscard]] bool launcher_is_gone();
    /// SIGUSR1, of whatever rank, stops the run.
    void check_drain();
    /// Among several nodes: rank 0 looks for silent ones, other leaders say that they are there.
    void watch_nodes();
    [[noreturn]] void end_at_once(int code);

    comm::Session& session_;
    EngineOptions options_;
    base::Doorbell bell_;
    base::Ringer ringer_;
    NodeView node_;
    std::unique_ptr<ActorExchange> actors_;
    std::unique_ptr<Supervisor> supervisor_;
    std::unique_ptr<SegmentPool> transient_, kept_;
    std::unique_ptr<Leader> leader_;
    std::unique_ptr<Host> host_;
    std::function<void(wire::Output const&)> output_handler_;
    std::function<void()> idle_handler_;
    std::function<void(std::string const&)> notice_handler_;
    std::function<void(std::exception const&)> fatal_handler_;
    std::function<bool(int)> interrupt_handler_;
    std::optional<base::InterruptNote> interrupts_;
    base::UniqueFd launcher_;  // readable once it has ended
    bool launcher_gone_ = false;
    std::uint64_t interrupted_ns_ = 0;
    int reported_signal_ = 0;  // rank 0: that another rank has got
    bool drain_told_ = false;
    std::vector<RankReport> reports_;
    wire::CacheTally own_cache_use_before_;  // of this process, by an earlier engine
    std::function<int(int)> conclude_;
    std::optional<int> exit_code_;
    bool stopping_ = false;
    int body_code_ = 0;
    std::uint64_t start_ns_ = 0;
    std::uint64_t last_event_ns_ = 0, last_idle_call_ns_ = 0;
    std::uint64_t last_word_ns_ = 0;  // when this rank last sent something to rank 0
    std::optional<NodeWatch> watch_;  // rank 0 of several nodes
    std::vector<pollfd> fds_;
};

}  // namespace plenum::pool
