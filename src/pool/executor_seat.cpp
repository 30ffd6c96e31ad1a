#include "pool/executor_seat.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <optional>
#include <plenum/error.hpp>
#include <string>
#include <utility>

#include "base/clock.hpp"
#include "base/remove_tree.hpp"
#include "pool/child_end.hpp"

namespace plenum::pool {
namespace {

/// An executor that dies this often without a task at work will not get better.
constexpr int most_idle_deaths = 20;

/// The task that has printed what carries no mark yet; nothing when several may have.
std::optional<std::uint64_t> running_task(ExecutorCell const& cell) {
    if (cell.marks_output.load(std::memory_order_acquire) == 0) return std::nullopt;
    return cell.current.load(std::memory_order_acquire);
}

}  // namespace

void occupy(ExecutorCell& cell) {
    cell.phase.store(Phase::idle, std::memory_order_relaxed);
    cell.slot.store(0, std::memory_order_relaxed);
    cell.fault.store(FaultNote::none, std::memory_order_relaxed);
    cell.has_left.store(0, std::memory_order_relaxed);
    cell.waits_for_space.store(0, std::memory_order_relaxed);
    cell.state.store(CellState::running, std::memory_order_release);
}

ExecutorSeat::ExecutorSeat(NodeView node, int index, Output const& output, ActorExchange& actors)
    : node_(node), index_(index), cell_(node.cell(index)), actors_(actors) {
    for (std::size_t i = 0; i < pipes_.size(); ++i) {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0)
            throw EnvironmentError(
                "cannot open a pipe (too many open files); raise the limit (ulimit -n) or lower --executors");
        pipes_[i] = {base::UniqueFd(ends[0]), base::UniqueFd(ends[1])};
        ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
        readers_[i] = std::make_unique<OutputReader>(
            [this, output, error = i == 1](wire::TaskRange tasks, std::optional<std::uint32_t> batch,
                                           std::string text) {
                output({.rank = cell_.rank,
                        .batch = batch.value_or(cell_.batch.load(std::memory_order_acquire)),
                        .tasks = tasks,
                        .error = error,
                        .text = std::move(text)});
            });
    }
}

ExecutorSeat::~ExecutorSeat() {
    if (child_ <= 0) return;
    kill_group(child_);
    ::waitpid(child_, nullptr, 0);
}

OutputPipes ExecutorSeat::write_ends() const noexcept {
    return {pipes_[0].write_end.get(), pipes_[1].write_end.get()};
}

void ExecutorSeat::close_write_ends() noexcept {
    for (auto& pipe : pipes_) pipe.write_end.reset();
}

void ExecutorSeat::start(ForkServer& server) {
    tasks_at_start_ = cell_.tasks_done.load(std::memory_order_relaxed);
    oom_kills_ = count_oom_kills();
    cell_.doom = Doom::none;
    watched_ = {};
    occupy(cell_);
    auto [channel, socket] = actors_.open_channel();
    channel_ = channel;
    child_ = server.spawn({.index = index_, .channel = channel_}, socket.get());
    child_fd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, child_, 0)));
}

void ExecutorSeat::finish_output() {
    read_output();
    for (auto& reader : readers_) reader->finish(cell_.current.load(std::memory_order_relaxed));
}

void ExecutorSeat::reap(ForkServer const& server) {
    siginfo_t end{};
    if (child_ <= 0 || ::waitid(P_PID, static_cast<id_t>(child_), &end, WEXITED | WNOHANG | WNOWAIT) != 0 ||
        end.si_pid != child_)
        return;
    kill_group(child_);  // what its tasks have started; until it is reaped the number is its own
    int status = 0;
    ::waitpid(child_, &status, 0);
    base::remove_tree(server.scratch_of(std::exchange(child_, -1)));
    child_fd_.reset();
    actors_.close_channel(channel_);
    if (cell_.has_left.load(std::memory_order_acquire) != 0) {
        finish_output();
        idle_deaths_ = 0;
        cell_.state.store(CellState::vacant, std::memory_order_release);
        return;
    }
    bool const owned = cell_.phase.load(std::memory_order_acquire) == Phase::owning;
    finish_output();
    bool const idle = !owned && cell_.tasks_done.load(std::memory_order_relaxed) == tasks_at_start_;
    idle_deaths_ = idle ? idle_deaths_ + 1 : 0;
    if (idle_deaths_ > most_idle_deaths)
        throw EnvironmentError(
            fmt::format("an executor of rank {} died {} times before it ran any task (wait status {}); try "
                        "--isolation none under a debugger",
                        cell_.rank, idle_deaths_, status));
    cell_.wait_status = status;
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) cell_.doom = Doom::none;  // it was faster
    cell_.out_of_memory = count_oom_kills() > oom_kills_ ? 1 : 0;
    cell_.state.store(CellState::dead, std::memory_order_release);
    ringer_.ring(node_.header().leader_bell);
}

void ExecutorSeat::read_output() {
    std::array<char, 1 << 16> buffer;
    for (std::size_t i = 0; i < pipes_.size(); ++i) {
        if (!pipes_[i].read_end) continue;
        auto& taken = cell_.output_taken[i];
        for (;;) {
            int waiting = 0;
            if (::ioctl(pipes_[i].read_end.get(), FIONREAD, &waiting) != 0 || waiting <= 0) break;
            auto const size = std::min(static_cast<std::size_t>(waiting), buffer.size());
            auto const before = running_task(cell_);
            taken.begun.store(taken.begun.load() + size);
            auto const bytes = ::read(pipes_[i].read_end.get(), buffer.data(), size);
            taken.ended.store(taken.begun.load());
            if (bytes <= 0) break;
            auto const after = running_task(cell_);
            readers_[i]->add({buffer.data(), static_cast<std::size_t>(bytes)},
                             before == after ? after : std::nullopt);
        }
    }
}

void ExecutorSeat::watch_task() {
    patience_ms_ = most_patience_ms;
    if (child_ <= 0 || cell_.doom != Doom::none) return;
    Watched running{.claim = cell_.claims.load(std::memory_order_acquire)};
    auto const slot = cell_.slot.load(std::memory_order_acquire);
    running.task = cell_.current.load(std::memory_order_acquire);
    bool const owns = slot != 0 && cell_.phase.load(std::memory_order_acquire) == Phase::owning &&
                      running.task < cell_.last.load(std::memory_order_relaxed);
    auto const timeout = owns ? node_.slot(static_cast<int>(slot) - 1).task_timeout_ns : 0;
    std::atomic_thread_fence(std::memory_order_acquire);
    // With another claim the parts above belong to different chunks.
    if (!owns || cell_.claims.load(std::memory_order_relaxed) != running.claim) {
        watched_ = {};
        return;
    }
    if (node_.header().abandon.load(std::memory_order_acquire) != 0) return doom(Doom::abandoned, running);
    if (timeout == 0) return;
    running.since_ns = base::now_ns();
    bool const same =
        watched_.since_ns != 0 && watched_.claim == running.claim && watched_.task == running.task;
    // The time in which its result waits for room is not the task's.
    if (!same || cell_.waits_for_space.load(std::memory_order_relaxed) != 0) watched_ = running;
    auto const age = running.since_ns - watched_.since_ns;
    if (age >= timeout) return doom(Doom::timeout, running);
    // Looked at more often than the timeout, so that what follows a task in time is seen as another one
    // early.
    auto const next_ms = std::min(timeout - age, timeout / 8) / 1'000'000;
    patience_ms_ = static_cast<int>(std::clamp<std::uint64_t>(next_ms, 1, most_patience_ms));
}

void ExecutorSeat::doom(Doom why, Watched const& running) {
    cell_.doom = why;
    cell_.doomed_claim = running.claim;
    cell_.doomed_task = running.task;
    kill_group(child_);
}

void ExecutorSeat::tick(ForkServer& server) {
    read_output();
    watch_task();
    reap(server);
    if (child_ <= 0 && cell_.state.load(std::memory_order_acquire) == CellState::vacant) start(server);
}

void ExecutorSeat::add_poll(std::vector<pollfd>& fds) const {
    for (auto const& pipe : pipes_)
        if (pipe.read_end) fds.push_back({.fd = pipe.read_end.get(), .events = POLLIN, .revents = 0});
    if (child_fd_) fds.push_back({.fd = child_fd_.get(), .events = POLLIN, .revents = 0});
}

void ExecutorSeat::close(int grace_ms) {
    if (child_ > 0) {
        pollfd fd{.fd = child_fd_.get(), .events = POLLIN, .revents = 0};
        if (::poll(&fd, 1, grace_ms) == 0) kill_group(child_);
        ::waitpid(child_, nullptr, 0);
        child_ = -1;
    }
    finish_output();
    // Ends that hang up would wake every later poll.
    for (auto& pipe : pipes_) pipe.read_end.reset();
    child_fd_.reset();
}

}  // namespace plenum::pool
