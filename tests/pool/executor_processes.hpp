// Executors of a node under test, as forked processes that can be killed, also after a chosen number of
// instructions.
#pragma once

#include <sys/types.h>

#include <vector>

#include "base/doorbell.hpp"
#include "pool/node_layout.hpp"

namespace plenum::pool::test {

class ExecutorProcesses {
public:
    ExecutorProcesses(NodeView node, base::DoorbellAddress parent_bell);
    ExecutorProcesses(ExecutorProcesses const&) = delete;
    ExecutorProcesses& operator=(ExecutorProcesses const&) = delete;
    /// Kills those that run.
    ~ExecutorProcesses();

    /// Forks the executor of a vacant cell.
    void start(int index);
    /// The same for one that will be stepped: it has stopped before it looks for tasks. False: the system
    /// does not let this process trace its child.
    [[nodiscard]] bool start_stopped(int index);
    /// The same, going on: it can stop itself.
    [[nodiscard]] bool start_traced(int index);
    /// Lets a traced executor that has stopped go on. False: it has ended.
    [[nodiscard]] bool resume(int index);
    /// A traced executor has stopped itself.
    [[nodiscard]] bool stopped(int index);
    /// Lets a traced executor that has stopped execute one instruction. Waits for its end; a system call that
    /// sleeps is one instruction. False: the executor has ended.
    [[nodiscard]] bool step(int index);
    void kill(int index);
    /// Notes in their cells those that have ended, as their parents do. Returns how many.
    int reap();
    /// Waits for the end of one that was killed, then as reap().
    void reap_killed(int index);

    [[nodiscard]] bool running(int index) const { return pids_[static_cast<std::size_t>(index)] > 0; }
    [[nodiscard]] pid_t pid(int index) const { return pids_[static_cast<std::size_t>(index)]; }
    [[nodiscard]] bool vacant(int index) const {
        return !running(index) && node_.cell(index).state.load() == CellState::vacant;
    }

private:
    pid_t fork_executor(int index, bool traced);
    void note_end(int index, int status);

    NodeView node_;
    std::vector<pid_t> pids_;
};

}  // namespace plenum::pool::test
