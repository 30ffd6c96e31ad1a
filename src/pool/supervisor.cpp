#include "pool/supervisor.hpp"

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

#include "base/futex.hpp"
#include "pool/child_end.hpp"
#include "pool/executor_port.hpp"

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

Supervisor::Supervisor(NodeView node, int index, Options options)
    : node_(node), index_(index), options_(std::move(options)) {
    auto& cell = node_.cell(index_);
    cell.rank = options_.rank;
    cell.parent_bell = options_.bell;
    if (options_.isolation == Isolation::none) return;
    for (std::size_t i = 0; i < pipes_.size(); ++i) {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0)
            throw EnvironmentError("cannot open a pipe; raise the limit on open files (ulimit -n)");
        pipes_[i] = {base::UniqueFd(ends[0]), base::UniqueFd(ends[1])};
        ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
        readers_[i] = std::make_unique<OutputReader>([this, i](wire::TaskRange tasks, std::string text) {
            options_.output(
                {.rank = options_.rank, .tasks = tasks, .error = i == 1, .text = std::move(text)});
        });
    }
    server_ =
        std::make_unique<ForkServer>(node_, OutputPipes{pipes_[0].write_end.get(), pipes_[1].write_end.get()},
                                     ForkServer::Options{.threads_per_task = options_.threads_per_task,
                                                         .actor_host = options_.actors->keeper().place()});
    for (auto& pipe : pipes_) pipe.write_end.reset();
}

Supervisor::~Supervisor() {
    if (thread_.joinable()) {  // unwinding: the executor's thread has not been told yet
        node_.header().stop.store(1, std::memory_order_release);
        node_.header().work.fetch_add(1, std::memory_order_release);
        base::futex_wake_all(node_.header().work);
    }
    if (child_ > 0) {
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
    }
    if (thread_.joinable()) thread_.join();
}

void Supervisor::start() {
    auto& cell = node_.cell(index_);
    cell.phase.store(Phase::idle, std::memory_order_relaxed);
    cell.slot.store(0, std::memory_order_relaxed);
    cell.fault.store(FaultNote::none, std::memory_order_relaxed);
    cell.waits_for_space.store(0, std::memory_order_relaxed);
    tasks_at_start_ = cell.tasks_done.load(std::memory_order_relaxed);
    cell.state.store(CellState::running, std::memory_order_release);
    auto [channel, socket] = options_.actors->open_channel();
    channel_ = channel;
    if (options_.isolation == Isolation::none) {
        thread_ = std::thread([node = node_, index = index_, rank = options_.rank, channel = channel_,
                               end = std::move(socket)]() mutable {
            Executor(node, index, {}, std::make_unique<ExecutorPort>(std::move(end), rank, channel)).run();
        });
        thread_runs_ = true;
        return;
    }
    oom_kills_ = count_oom_kills();
    child_ = server_->spawn({.index = index_, .channel = channel_}, socket.get());
    child_fd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, child_, 0)));
}

pid_t Supervisor::start_actor_host(int socket) {
    return server_->spawn({.index = actor_host_index}, socket);
}

void Supervisor::reap() {
    int status = 0;
    if (child_ <= 0 || ::waitpid(child_, &status, WNOHANG) != child_) return;
    child_ = -1;
    child_fd_.reset();
    options_.actors->close_channel(channel_);
    read_output();
    auto& cell = node_.cell(index_);
    bool const owned = cell.phase.load(std::memory_order_acquire) == Phase::owning;
    for (auto& reader : readers_) reader->finish(cell.current.load(std::memory_order_relaxed));
    bool const idle = !owned && cell.tasks_done.load(std::memory_order_relaxed) == tasks_at_start_;
    idle_deaths_ = idle ? idle_deaths_ + 1 : 0;
    if (idle_deaths_ > most_idle_deaths)
        throw EnvironmentError(
            fmt::format("the executor of rank {} died {} times before it ran any task (wait status {}); try "
                        "--isolation none "
                        "under a debugger",
                        options_.rank, idle_deaths_, status));
    cell.wait_status = status;
    cell.out_of_memory = count_oom_kills() > oom_kills_ ? 1 : 0;
    cell.state.store(CellState::dead, std::memory_order_release);
    ringer_.ring(node_.header().leader_bell);
}

void Supervisor::read_output() {
    std::array<char, 1 << 16> buffer;
    auto& cell = node_.cell(index_);
    for (std::size_t i = 0; i < pipes_.size(); ++i) {
        if (!pipes_[i].read_end) continue;
        auto& taken = cell.output_taken[i];
        for (;;) {
            int waiting = 0;
            if (::ioctl(pipes_[i].read_end.get(), FIONREAD, &waiting) != 0 || waiting <= 0) break;
            auto const size = std::min(static_cast<std::size_t>(waiting), buffer.size());
            auto const before = running_task(cell);
            taken.begun.store(taken.begun.load() + size);
            auto const bytes = ::read(pipes_[i].read_end.get(), buffer.data(), size);
            taken.ended.store(taken.begun.load());
            if (bytes <= 0) break;
            auto const after = running_task(cell);
            readers_[i]->add({buffer.data(), static_cast<std::size_t>(bytes)},
                             before == after ? after : std::nullopt);
        }
    }
}

void Supervisor::tick() {
    if (node_.header().stop.load(std::memory_order_acquire) != 0) return;
    if (options_.isolation == Isolation::none) {
        if (!thread_runs_) start();
        return;
    }
    read_output();
    reap();
    if (child_ <= 0 && node_.cell(index_).state.load(std::memory_order_acquire) == CellState::vacant) start();
}

void Supervisor::add_poll(std::vector<pollfd>& fds) const {
    for (auto const& pipe : pipes_)
        if (pipe.read_end) fds.push_back({.fd = pipe.read_end.get(), .events = POLLIN, .revents = 0});
    if (child_fd_) fds.push_back({.fd = child_fd_.get(), .events = POLLIN, .revents = 0});
}

bool Supervisor::restless() const noexcept {
    return child_ <= 0 && options_.isolation == Isolation::process;
}

void Supervisor::stop(int grace_ms) {
    base::futex_wake_all(node_.header().work);
    if (thread_.joinable()) thread_.join();
    if (child_ > 0) {
        pollfd fd{.fd = child_fd_.get(), .events = POLLIN, .revents = 0};
        if (::poll(&fd, 1, grace_ms) == 0) ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
        child_ = -1;
    }
    if (options_.isolation == Isolation::none) return;
    read_output();
    for (auto& reader : readers_) reader->finish(node_.cell(index_).current.load(std::memory_order_relaxed));
    // Ends that hang up would wake every later poll.
    for (auto& pipe : pipes_) pipe.read_end.reset();
    child_fd_.reset();
    server_.reset();
}

}  // namespace plenum::pool
