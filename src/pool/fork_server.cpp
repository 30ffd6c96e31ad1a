#include "pool/fork_server.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <optional>
#include <plenum/error.hpp>
#include <string_view>
#include <utility>

#include "base/cores.hpp"
#include "base/fd_passing.hpp"
#include "base/launcher.hpp"
#include "base/remove_tree.hpp"
#include "base/task_place.hpp"
#include "io/deaths.hpp"
#include "pool/actor_ports.hpp"
#include "pool/executor.hpp"
#include "pool/executor_port.hpp"
#include "pool/scratch.hpp"

namespace plenum::pool {
namespace {

constexpr int executor_end_ms = 1000;  // that a killed executor may take
// Whoever kills the whole run reaches its other processes within that time. A launcher that ends because a
// rank has died needs longer: Open MPI's gives the other ranks a second.
constexpr int killed_together_ms = 100;

/// What the fault handler of an executor needs; one executor per process.
struct FaultContext {
    std::byte const *arrays_begin, *arrays_end;
    std::byte const *stack_low, *stack_high;
    std::atomic<FaultNote>* note;
};
FaultContext fault_context{};

/// Notes what kind of address was hit, then lets the default action end the process.
void on_memory_fault(int signal, siginfo_t* info, void*) {
    if (info->si_code <= 0) {  // sent by kill or raise: no instruction faulted that would do so again
        ::signal(signal, SIG_DFL);
        ::raise(signal);
        return;
    }
    auto const* const address = static_cast<std::byte const*>(info->si_addr);
    auto note = FaultNote::none;
    if (address >= fault_context.arrays_begin && address < fault_context.arrays_end)
        note = FaultNote::shared_array;
    else if (address >= fault_context.stack_low && address < fault_context.stack_high)
        note = FaultNote::stack_overflow;
    else if (reinterpret_cast<std::uintptr_t>(address) < 4096)
        note = FaultNote::null_pointer;
    fault_context.note->store(note, std::memory_order_release);
    ::signal(signal, SIG_DFL);  // the instruction runs again and ends the process
}

void note_memory_faults(NodeView node, std::atomic<FaultNote>& note) {
    static std::array<std::byte, 64 * 1024> alternate_stack;
    stack_t const stack{.ss_sp = alternate_stack.data(), .ss_flags = 0, .ss_size = alternate_stack.size()};
    ::sigaltstack(&stack, nullptr);
    auto const& header = node.header();
    std::byte const here{};
    rlimit limit{};
    ::getrlimit(RLIMIT_STACK, &limit);
    auto const depth = limit.rlim_cur == RLIM_INFINITY ? rlim_t{8} << 20 : limit.rlim_cur;
    fault_context = {.arrays_begin = node.base() + header.arrays_begin,
                     .arrays_end = node.base() + header.arrays_end,
                     .stack_low = &here - depth - (1 << 20),
                     .stack_high = &here,
                     .note = &note};
    struct sigaction action {};
    action.sa_sigaction = &on_memory_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    ::sigaction(SIGSEGV, &action, nullptr);
    ::sigaction(SIGBUS, &action, nullptr);
}

/// Private memory, because the address space counts node memory too.
void limit_memory(std::uint64_t bytes) {
    std::ifstream status("/proc/self/status");
    std::uint64_t own_kib = 0;
    for (std::string word; status >> word;)
        if (word == "VmData:") status >> own_kib;
    rlimit limit{};
    ::getrlimit(RLIMIT_DATA, &limit);
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, own_kib * 1024 + bytes);
    ::setrlimit(RLIMIT_DATA, &limit);
}

/// When memory is short the kernel is to choose executors before actors, whose state would be lost.
constexpr std::string_view executor_oom_score = "1000", actor_oom_score = "900";

/// What every child does first.
void become_child(NodeView node, pid_t parent, std::filesystem::path const& scratch,
                  std::atomic<FaultNote>& note, std::string_view oom_score) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);  // the parent died in between
    // With the programs that it starts, which are to end with it. Launchers that kill the rank's group do not
    // reach it: it dies with its parent, and the server ends what is left of the group.
    ::setpgid(0, 0);
    use_scratch(ScratchScope::process, scratch, std::to_string(::getpid()));
    // Open MPI's handlers would print a backtrace of a task's crash; signals for the run are the parent's
    // business.
    for (int const signal : {SIGFPE, SIGILL, SIGABRT, SIGPIPE, SIGXFSZ}) ::signal(signal, SIG_DFL);
    for (int const signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) ::signal(signal, SIG_IGN);
    note_memory_faults(node, note);
    rlimit const none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);  // a core would hold all of node memory
    if (int const fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC); fd >= 0) {
        [[maybe_unused]] auto const written = ::write(fd, oom_score.data(), oom_score.size());
        ::close(fd);
    }
}

/// Runs `work`, and ends the process.
template <class Work>
[[noreturn]] void end_after(std::string const& name, Work&& work) {
    try {
        work();
    } catch (std::exception const& error) {
        auto const text = fmt::format("plenum: {} stopped: {}\n", name, error.what());
        [[maybe_unused]] auto const written = ::write(STDERR_FILENO, text.data(), text.size());
        ::_exit(1);
    }
    ::_exit(0);
}

[[noreturn]] void run_as_executor(NodeView node, pid_t parent, ForkServer::Options const& options,
                                  SpawnRequest request, base::UniqueFd socket) {
    auto& cell = node.cell(request.index);
    become_child(node, parent, options.scratch, cell.fault, executor_oom_score);
    if (options.task_memory != 0) limit_memory(options.task_memory);
    end_after(fmt::format("executor {}", request.index), [&] {
        ExecutorPort actors(std::move(socket), cell.rank, request.channel);
        set_process_actor_port(&actors);
        (void)Executor(node, request.index, {STDOUT_FILENO, STDERR_FILENO}, &actors).run();
    });
}

[[noreturn]] void run_as_actor_host(NodeView node, pid_t parent, std::filesystem::path const& scratch,
                                    ActorHost::Place place, base::UniqueFd socket) {
    become_child(node, parent, scratch, place.note->fault, actor_oom_score);
    // A launcher binds the rank to a core, where its executor works: actors may use any of the node.
    node.header().processors.apply_to_thread();
    place.pipes = {STDOUT_FILENO, STDERR_FILENO};
    end_after("the actor host", [&] {
        ActorHost(std::move(socket), std::move(place)).run();
        std::cout.flush();
        std::fflush(stdout);
    });
}

/// Standard output and error of this process; the pipes of the others are closed.
void take_pipes(std::vector<OutputPipes> const& pipes, std::size_t mine) {
    ::dup2(pipes[mine].out, STDOUT_FILENO);
    ::dup2(pipes[mine].error, STDERR_FILENO);
    for (auto const& [out, error] : pipes) {
        ::close(out);
        ::close(error);
    }
}

/// An executor or the actor host, leader of a process group.
struct Child {
    pid_t process = 0;
    base::UniqueFd descriptor{};
};

/// A process of CLONE_PARENT: the child becomes a child of the rank's process, which then sees its end
/// directly.
pid_t clone_executor(base::UniqueFd& descriptor) {
    int fd = -1;
    auto const child = static_cast<pid_t>(
        ::syscall(SYS_clone, CLONE_PARENT | CLONE_PIDFD | SIGCHLD, nullptr, &fd, nullptr, nullptr));
    if (child > 0) descriptor.reset(fd);
    return child;
}

struct Order {
    SpawnRequest request;
    base::UniqueFd socket;  // for the child
};

/// Waits for the next order; nothing when the rank's process has gone, or wants no more children.
std::optional<Order> next_order(int socket, int parent_descriptor) {
    std::array<pollfd, 2> fds{pollfd{.fd = socket, .events = POLLIN, .revents = 0},
                              pollfd{.fd = parent_descriptor, .events = POLLIN, .revents = 0}};
    while (::poll(fds.data(), fds.size(), -1) < 0 && errno == EINTR) {
    }
    Order order;
    if (fds[0].revents == 0 ||
        !base::receive_with_fd(socket, &order.request, sizeof order.request, order.socket))
        return std::nullopt;
    return order;
}

void kill_children(std::vector<Child> const& children) {
    for (auto const& child : children) {
        if (!child.descriptor) continue;
        ::syscall(SYS_pidfd_send_signal, child.descriptor.get(), SIGKILL, nullptr, 0);
        ::kill(-child.process, SIGKILL);  // the programs that it has started
    }
}

void wait_for_ends(std::vector<Child> const& children) {
    for (auto const& child : children) {
        if (!child.descriptor) continue;  // poll() would wait for nothing
        pollfd end{.fd = child.descriptor.get(), .events = POLLIN, .revents = 0};
        ::poll(&end, 1, executor_end_ms);
    }
}

/// Whether the launcher died before the rank or together with it: then somebody else ended both. Who ends all
/// of the run ends this process while it waits.
bool launcher_died_too(base::Launcher const& launcher) {
    pollfd end{.fd = launcher.ended.get(), .events = POLLIN, .revents = 0};  // without one poll() only waits
    if (launcher.kills_what_is_left) return ::poll(&end, 1, 0) > 0;          // this process in a moment
    // The launcher is to see the ends of the rank's connections now: they are open here, too.
    auto const kept = static_cast<unsigned>(std::max(launcher.ended.get(), STDERR_FILENO));
    if (kept > STDERR_FILENO + 1) ::close_range(STDERR_FILENO + 1, kept - 1, 0);
    ::close_range(kept + 1, ~0U, 0);
    return ::poll(&end, 1, killed_together_ms) > 0;
}

/// The task that an executor has at work; with run 0 none whose death is kept. A killed one may run on for a
/// moment: it is looked at until all parts are of the same chunk.
io::Death task_at_work(NodeView node, ExecutorCell const& cell) {
    for (;;) {
        auto const claims = cell.claims.load(std::memory_order_acquire);
        auto const slot_number = cell.slot.load(std::memory_order_acquire);
        auto const owns = [&] {
            return slot_number != 0 && cell.phase.load(std::memory_order_acquire) == Phase::owning;
        };
        if (cell.state.load(std::memory_order_acquire) != CellState::running || !owns()) return {};
        auto const& slot = node.slot(static_cast<int>(slot_number) - 1);
        io::Death death{
            .run = slot.run, .map = slot.map, .task = cell.current.load(std::memory_order_acquire)};
        if (death.task < cell.first.load(std::memory_order_relaxed) ||
            death.task >= cell.last.load(std::memory_order_relaxed))
            death.run = 0;
        std::atomic_thread_fence(std::memory_order_acquire);
        if (owns() && cell.claims.load(std::memory_order_relaxed) == claims) return death;
    }
}

/// The rank's process has died without having been asked to, and its executors are killed: which tasks were
/// at work counts against them. Without the run's lock the folder is another one, on a disk of this node.
void note_deaths(NodeView node, pid_t rank, base::Launcher const& launcher,
                 ForkServer::Options const& options) {
    if (options.run_file.empty() || ::access((options.run_file + ".lock").c_str(), F_OK) != 0) return;
    if (node.cell(options.first_cell).rank_leaves.load(std::memory_order_acquire) != 0) return;
    if (launcher_died_too(launcher)) return;
    auto const now = std::chrono::duration_cast<std::chrono::nanoseconds>(
        std::chrono::system_clock::now().time_since_epoch());
    std::vector<io::Death> deaths;
    for (int i = options.first_cell; i < options.first_cell + options.executors; ++i) {
        auto death = task_at_work(node, node.cell(i));
        if (death.run == 0) continue;
        death.rank = node.cell(i).rank;
        death.process = rank;
        death.unix_ns = now.count();
        death.host = node.header().host.data();
        deaths.push_back(std::move(death));
    }
    io::append_deaths(io::deaths_path_of(options.run_file), deaths);
}

[[noreturn]] void serve(NodeView node, int socket, pid_t parent, std::vector<OutputPipes> const& pipes,
                        ForkServer::Options const& options) {
    base::UniqueFd const parent_descriptor(static_cast<int>(::syscall(SYS_pidfd_open, parent, 0)));
    auto const launcher = options.launcher_mark.empty()
                              ? base::Launcher{}
                              : base::watch_launcher_of(parent, options.launcher_mark);
    if (::getppid() != parent) ::_exit(1);
    ::setpgid(0, 0);  // launchers kill the rank's whole group
    base::mark_task_process();
    for (int const signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) ::signal(signal, SIG_IGN);
    auto const& header = node.header();
    // Shared arrays are sealed for every executor at once: a stray write faults.
    if (::mprotect(node.base() + header.arrays_begin, header.arrays_end - header.arrays_begin, PROT_READ) !=
        0)
        ::_exit(1);
    // Standard output is the launcher's, which waits for its end.
    if (int const null = ::open("/dev/null", O_RDWR | O_CLOEXEC); null >= 0)
        for (int const fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, fd);
    static std::array<char, 1 << 16> stdout_buffer;
    std::setvbuf(stdout, stdout_buffer.data(), _IOFBF, stdout_buffer.size());
    base::limit_library_threads(options.threads.count, options.threads.asked);
    std::vector<Child> children(pipes.size());
    while (auto order = next_order(socket, parent_descriptor.get())) {
        auto const& request = order->request;
        bool const actors = request.index == actor_host_index;
        auto const seat =
            actors ? pipes.size() - 1 : static_cast<std::size_t>(request.index - options.first_cell);
        auto const child = clone_executor(children[seat].descriptor);
        if (child == 0) {
            ::close(socket);
            children.clear();
            take_pipes(pipes, seat);
            if (actors)
                run_as_actor_host(node, parent, options.scratch, options.actor_host,
                                  std::move(order->socket));
            run_as_executor(node, parent, options, request, std::move(order->socket));
        }
        auto const answer = child > 0 ? child : -errno;
        if (child > 0) children[seat].process = child;
        if (::send(socket, &answer, sizeof answer, MSG_NOSIGNAL) != sizeof answer) break;
    }
    kill_children(children);
    // What slurmstepd still does before it kills this process takes about as long as an executor's end.
    if (launcher.kills_what_is_left) note_deaths(node, parent, launcher, options);
    wait_for_ends(children);
    if (!launcher.kills_what_is_left) note_deaths(node, parent, launcher, options);
    base::remove_tree(options.scratch);
    ::_exit(0);
}

}  // namespace

ForkServer::ForkServer(NodeView node, std::vector<OutputPipes> pipes, Options options)
    : cell_(node.cell(options.first_cell)), scratch_(options.scratch) {
    pipes.push_back(options.actor_host.pipes);
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
        throw EnvironmentError(fmt::format("cannot open a socket pair ({})", std::strerror(errno)));
    socket_.reset(ends[0]);
    base::UniqueFd const theirs(ends[1]);
    std::cout.flush();
    std::fflush(nullptr);  // or the child would print it again
    auto const parent = ::getpid();
    server_ = ::fork();
    if (server_ < 0)
        throw EnvironmentError(
            fmt::format("cannot fork ({}); raise the limit on processes (ulimit -u)", std::strerror(errno)));
    if (server_ == 0) {
        ::close(ends[0]);
        serve(node, ends[1], parent, pipes, options);
    }
}

std::filesystem::path ForkServer::scratch_of(pid_t executor) const {
    return scratch_ / std::to_string(executor);
}

void ForkServer::expect_end() noexcept {
    cell_.rank_leaves.store(1, std::memory_order_release);
}

ForkServer::~ForkServer() {
    expect_end();
    ::shutdown(socket_.get(), SHUT_RDWR);  // the server sees the end, cleans up and leaves
    ::waitpid(server_, nullptr, 0);
}

pid_t ForkServer::spawn(SpawnRequest request, int socket) {
    pid_t answer = -EPIPE;
    if (base::send_with_fd(socket_.get(), &request, sizeof request, socket))
        while (::recv(socket_.get(), &answer, sizeof answer, 0) < 0 && errno == EINTR) {
        }
    if (answer <= 0)
        throw EnvironmentError(
            fmt::format("cannot start a process for tasks or actors ({}); raise the limit on processes "
                        "(ulimit -u) or use "
                        "fewer ranks or --executors",
                        std::strerror(-answer)));
    return answer;
}

}  // namespace plenum::pool
