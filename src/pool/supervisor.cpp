#include "pool/supervisor.hpp"

#include <algorithm>
#include <string>

#include "base/clock.hpp"
#include "base/futex.hpp"
#include "base/remove_tree.hpp"
#include "pool/actor_ports.hpp"
#include "pool/executor_port.hpp"
#include "pool/scratch.hpp"

namespace plenum::pool {

Supervisor::Supervisor(NodeView node, int first_cell, Options const& options)
    : node_(node),
      first_cell_(first_cell),
      executors_(options.executors),
      isolation_(options.isolation),
      actors_(options.actors),
      scratch_(name_scratch_of_rank()) {
    for (int i = first_cell_; i < first_cell_ + executors_; ++i) {
        auto& cell = node_.cell(i);
        cell.rank = options.rank;
        cell.parent_bell = options.bell;
    }
    ForkServer::Options server;
    server.first_cell = first_cell_;
    server.executors = executors_;
    server.threads = options.threads;
    server.task_memory = options.task_memory;
    server.scratch = scratch_;
    server.run_file = options.run_file;
    server.launcher_mark = options.launcher_mark;
    std::vector<OutputPipes> pipes;
    if (isolation_ == Isolation::none) {
        if (!server.run_file.empty()) server_ = std::make_unique<ForkServer>(node_, std::move(pipes), server);
        return;
    }
    server.actor_host = actors_->keeper().place();
    for (int i = first_cell_; i < first_cell_ + executors_; ++i)
        pipes.push_back(seats_.emplace_back(node_, i, options.output, *actors_).write_ends());
    server_ = std::make_unique<ForkServer>(node_, std::move(pipes), server);
    for (auto& seat : seats_) seat.close_write_ends();
}

Supervisor::~Supervisor() {
    if (!threads_.empty()) {  // unwinding: the executors have not been told yet
        node_.header().stop.store(1, std::memory_order_release);
        node_.header().work.fetch_add(1, std::memory_order_release);
        base::futex_wake_all(node_.header().work);
    }
    for (auto& thread : threads_) thread.join();
    base::remove_tree(scratch_);
}

void Supervisor::start_threads() {
    for (int i = first_cell_; i < first_cell_ + executors_; ++i) {
        occupy(node_.cell(i));
        auto [channel, socket] = actors_->open_channel();
        threads_.emplace_back(
            [this, i, port = std::make_unique<ExecutorPort>(std::move(socket), node_.cell(i).rank, channel)] {
                run_thread(i, *port);
            });
    }
}

void Supervisor::run_thread(int cell, ExecutorPort& actors) const {
    set_thread_actor_port(&actors);
    use_scratch(ScratchScope::thread, scratch_, std::to_string(cell));
    // A fresh executor on the same thread: its state is renewed, the process is not.
    while (Executor(node_, cell, {}, &actors).run() == Executor::End::life_over)
        base::remove_tree(scratch_ / std::to_string(cell));
}

pid_t Supervisor::start_actor_host(int socket) {
    return server_->spawn({.index = actor_host_index}, socket);
}

void Supervisor::tick() {
    if (node_.header().stop.load(std::memory_order_acquire) != 0) return;
    if (isolation_ == Isolation::none && threads_.empty()) start_threads();
    for (auto& seat : seats_) seat.tick(*server_);
}

void Supervisor::add_poll(std::vector<pollfd>& fds) const {
    for (auto const& seat : seats_) seat.add_poll(fds);
}

int Supervisor::patience_ms() const noexcept {
    int least = ExecutorSeat::most_patience_ms;
    for (auto const& seat : seats_) least = std::min(least, seat.occupied() ? seat.patience_ms() : 1);
    return least;
}

void Supervisor::expect_end() noexcept {
    if (server_) server_->expect_end();
}

void Supervisor::stop(int grace_ms) {
    base::futex_wake_all(node_.header().work);
    for (auto& thread : threads_) thread.join();
    threads_.clear();
    auto const start = base::now_ns();
    for (auto& seat : seats_) {
        auto const waited_ms = static_cast<int>((base::now_ns() - start) / 1'000'000);
        seat.close(std::max(0, grace_ms - waited_ms));
    }
    server_.reset();
}

void Supervisor::abandon() {
    server_.reset();
    // Threads go on until the process ends: what one makes meanwhile may need another round.
    for (int round = 0; round < 10 && !base::remove_tree(scratch_); ++round) {
    }
}

}  // namespace plenum::pool
