#include "pool/executor_processes.hpp"

#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

#include "pool/executor.hpp"

namespace plenum::pool::test {

ExecutorProcesses::ExecutorProcesses(NodeView node, base::DoorbellAddress parent_bell)
    : node_(node), pids_(static_cast<std::size_t>(node.header().executors), -1) {
    for (int i = 0; i < node.header().executors; ++i) {
        node_.cell(i).rank = i;
        node_.cell(i).parent_bell = parent_bell;
    }
}

ExecutorProcesses::~ExecutorProcesses() {
    for (auto const pid : pids_)
        if (pid > 0) {
            ::kill(pid, SIGKILL);
            ::waitpid(pid, nullptr, 0);
        }
}

pid_t ExecutorProcesses::fork_executor(int index, bool traced) {
    auto& cell = node_.cell(index);
    cell.phase = Phase::idle;
    cell.slot = 0;
    cell.waits_for_space = 0;
    cell.state.store(CellState::running, std::memory_order_release);
    auto const pid = ::fork();
    if (pid < 0) throw std::runtime_error("cannot fork");
    if (pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        rlimit const none{0, 0};
        ::setrlimit(RLIMIT_CORE, &none);
        Executor executor(node_, index, {});
        if (traced) {
            if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(1);
            ::raise(SIGSTOP);
        }
        (void)executor.run();
        ::_exit(0);
    }
    pids_[static_cast<std::size_t>(index)] = pid;
    return pid;
}

void ExecutorProcesses::start(int index) {
    fork_executor(index, false);
}

bool ExecutorProcesses::start_stopped(int index) {
    auto const pid = fork_executor(index, true);
    int status = 0;
    if (::waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) return true;
    note_end(index, status);
    return false;
}

bool ExecutorProcesses::start_traced(int index) {
    return start_stopped(index) && resume(index);
}

bool ExecutorProcesses::resume(int index) {
    return ::ptrace(PTRACE_CONT, pid(index), nullptr, nullptr) == 0;
}

bool ExecutorProcesses::stopped(int index) {
    int status = 0;
    return ::waitpid(pid(index), &status, WNOHANG) > 0 && WIFSTOPPED(status);
}

bool ExecutorProcesses::step(int index) {
    int status = 0;
    ::ptrace(PTRACE_SINGLESTEP, pid(index), nullptr, nullptr);
    if (::waitpid(pid(index), &status, 0) == pid(index) && WIFSTOPPED(status)) return true;
    note_end(index, status);
    return false;
}

void ExecutorProcesses::kill(int index) {
    if (running(index)) ::kill(pid(index), SIGKILL);
}

int ExecutorProcesses::reap() {
    int ended = 0;
    for (std::size_t i = 0; i < pids_.size(); ++i) {
        int status = 0;
        if (pids_[i] <= 0 || ::waitpid(pids_[i], &status, WNOHANG) != pids_[i] || WIFSTOPPED(status))
            continue;
        note_end(static_cast<int>(i), status);
        ++ended;
    }
    return ended;
}

void ExecutorProcesses::reap_killed(int index) {
    int status = 0;
    while (::waitpid(pid(index), &status, 0) > 0 && WIFSTOPPED(status)) {
    }
    note_end(index, status);
}

void ExecutorProcesses::note_end(int index, int status) {
    pids_[static_cast<std::size_t>(index)] = -1;
    auto& cell = node_.cell(index);
    cell.wait_status = status;
    cell.out_of_memory = 0;
    cell.state.store(CellState::dead, std::memory_order_release);
}

}  // namespace plenum::pool::test
