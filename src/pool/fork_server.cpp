#include "pool/fork_server.hpp"

#include <fcntl.h>
#include <fmt/format.h>
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
#include <csignal>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <plenum/error.hpp>

#include "base/cores.hpp"
#include "base/fd_passing.hpp"
#include "pool/executor_port.hpp"

namespace plenum::pool {
namespace {

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

/// Among its children the kernel is to choose executors before actors, which cannot be run again, when memory
/// is short.
constexpr std::string_view executor_oom_score = "1000", actor_oom_score = "900";

/// What every child does first.
void become_child(NodeView node, pid_t parent, std::atomic<FaultNote>& note, std::string_view oom_score) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);  // the parent died in between
    // Open MPI's handlers would print a backtrace of a task's crash; signals for the run are the parent's
    // business.
    for (int const signal : {SIGFPE, SIGILL, SIGABRT, SIGPIPE}) ::signal(signal, SIG_DFL);
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
    std::cout.flush();
    std::fflush(stdout);
    ::_exit(0);
}

[[noreturn]] void run_as_executor(NodeView node, pid_t parent, SpawnRequest request, base::UniqueFd socket) {
    auto& cell = node.cell(request.index);
    become_child(node, parent, cell.fault, executor_oom_score);
    end_after(fmt::format("executor {}", request.index), [&] {
        Executor(node, request.index, {STDOUT_FILENO, STDERR_FILENO},
                 std::make_unique<ExecutorPort>(std::move(socket), cell.rank, request.channel))
            .run();
    });
}

[[noreturn]] void run_as_actor_host(NodeView node, pid_t parent, ActorHost::Place place,
                                    base::UniqueFd socket) {
    become_child(node, parent, place.note->fault, actor_oom_score);
    // A launcher binds the rank to a core, where its executor works: actors may use any of the node.
    node.header().processors.apply_to_thread();
    ::dup2(place.pipes.out, STDOUT_FILENO);
    ::dup2(place.pipes.error, STDERR_FILENO);
    end_after("the actor host", [&] { ActorHost(std::move(socket), std::move(place)).run(); });
}

[[noreturn]] void serve(NodeView node, int socket, pid_t parent, OutputPipes pipes,
                        ForkServer::Options const& options) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    for (int const signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) ::signal(signal, SIG_IGN);
    auto const& header = node.header();
    // Shared arrays are sealed for every executor at once: a stray write faults.
    if (::mprotect(node.base() + header.arrays_begin, header.arrays_end - header.arrays_begin, PROT_READ) !=
        0)
        ::_exit(1);
    ::dup2(pipes.out, STDOUT_FILENO);
    ::dup2(pipes.error, STDERR_FILENO);
    if (int const null = ::open("/dev/null", O_RDONLY | O_CLOEXEC); null >= 0) ::dup2(null, STDIN_FILENO);
    static std::array<char, 1 << 16> stdout_buffer;
    std::setvbuf(stdout, stdout_buffer.data(), _IOFBF, stdout_buffer.size());
    base::limit_library_threads(options.threads_per_task);
    SpawnRequest request;
    for (base::UniqueFd end; base::receive_with_fd(socket, &request, sizeof request, end); end.reset()) {
        // The child becomes a child of the rank's process, which then sees its end directly.
        auto const child = static_cast<pid_t>(
            ::syscall(SYS_clone, CLONE_PARENT | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
        if (child == 0) {
            ::close(socket);
            if (request.index == actor_host_index)
                run_as_actor_host(node, parent, options.actor_host, std::move(end));
            run_as_executor(node, parent, request, std::move(end));
        }
        auto const answer = child > 0 ? child : -errno;
        if (::send(socket, &answer, sizeof answer, MSG_NOSIGNAL) != sizeof answer) break;
    }
    ::_exit(0);
}

}  // namespace

ForkServer::ForkServer(NodeView node, OutputPipes pipes, Options options) {
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

ForkServer::~ForkServer() {
    socket_.reset();  // the server sees the end of its socket and leaves
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
                        "(ulimit -u) or use fewer ranks",
                        std::strerror(-answer)));
    return answer;
}

}  // namespace plenum::pool
