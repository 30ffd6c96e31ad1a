#include "pool/child_end.hpp"

#include <fmt/format.h>
#include <sys/wait.h>

#include <csignal>
#include <cstring>
#include <fstream>

namespace plenum::pool {

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

std::uint64_t count_oom_kills() {
    std::ifstream file("/proc/vmstat");
    std::string name;
    std::uint64_t value = 0;
    while (file >> name >> value)
        if (name == "oom_kill") return value;
    return 0;
}

}  // namespace plenum::pool
