#include "pool/child_end.hpp"

#include <fmt/format.h>
#include <sys/wait.h>

#include <csignal>
#include <cstring>
#include <fstream>
#include <optional>

namespace plenum::pool {
namespace {

/// The number that follows a word in a file of words and numbers.
std::optional<std::uint64_t> number_after(std::string const& word, std::string const& path) {
    std::ifstream file(path);
    std::string name;
    std::uint64_t value = 0;
    while (file >> name >> value)
        if (name == word) return value;
    return std::nullopt;
}

}  // namespace

ChildEnd describe_end(int status, FaultNote fault, bool out_of_memory, std::string const& what) {
    if (WIFEXITED(status)) return {.message = fmt::format("{} called exit({})", what, WEXITSTATUS(status))};
    auto const signal = WTERMSIG(status);
    if (signal == SIGKILL && out_of_memory)
        return {.cause = FailureCause::out_of_memory, .message = "killed by the kernel (out of memory)"};
    auto text = fmt::format("killed by signal {} ({})", signal, ::strsignal(signal));
    switch (fault) {
        case FaultNote::shared_array:
            text += ": it wrote into a shared array, which is read-only in tasks";
            break;
        case FaultNote::stack_overflow:
            text += ": stack overflow";
            break;
        case FaultNote::null_pointer:
            text += ": null pointer";
            break;
        case FaultNote::none:
            break;
    }
    return {.message = std::move(text)};
}

ChildEnd describe_doom(Doom doom, double timeout_seconds) {
    if (doom == Doom::timeout)
        return {.cause = FailureCause::timeout,
                .message = fmt::format("killed after {:.6g} s (the task timeout)", timeout_seconds)};
    return {.cause = FailureCause::timeout, .message = "killed at the end of the run's time"};
}

void kill_group(pid_t child) {
    ::kill(-child, SIGKILL);
    ::kill(child, SIGKILL);  // it may have made its group not yet, or have left it
}

std::string file_of_oom_kills(std::istream& groups) {
    std::string file;
    for (std::string line; std::getline(groups, line);) {
        auto const colon = line.find(':');
        auto const second = line.find(':', colon + 1);
        if (second == std::string::npos) continue;
        auto const controllers = line.substr(colon + 1, second - colon - 1), group = line.substr(second + 1);
        if (controllers == "memory")
            return "/sys/fs/cgroup/memory" + group + "/memory.oom_control";  // version 1
        if (controllers.empty()) file = "/sys/fs/cgroup" + group + "/memory.events";
    }
    return file;
}

std::uint64_t count_oom_kills() {
    // In a job's own group a kill of somebody else's process does not count.
    static auto const events = [] {
        std::ifstream groups("/proc/self/cgroup");
        return file_of_oom_kills(groups);
    }();
    if (auto const count = number_after("oom_kill", events)) return *count;
    return number_after("oom_kill", "/proc/vmstat").value_or(0);
}

}  // namespace plenum::pool
