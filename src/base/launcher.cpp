#include "base/launcher.hpp"

#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <sstream>

namespace plenum::base {
namespace {

std::string contents_of(pid_t process, char const* what) {
    std::ifstream file(fmt::format("/proc/{}/{}", process, what), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// 0: not known.
pid_t parent_of(pid_t process) {
    auto const line = contents_of(process, "stat");
    auto const name_end = line.rfind(')');  // the name may hold anything
    if (name_end == std::string::npos) return 0;
    std::istringstream rest(line.substr(name_end + 1));
    char state = 0;
    pid_t parent = 0;
    rest >> state >> parent;
    return parent;
}

/// Not where its environment may not be read: then it is somebody else's.
bool has_mark(pid_t process, std::string const& mark) {
    auto const entries = '\0' + contents_of(process, "environ");
    return entries.find('\0' + mark + '\0') != std::string::npos;
}

pid_t launcher_of(pid_t rank, std::string const& mark) {
    auto ancestor = parent_of(rank);
    while (ancestor > 1 && has_mark(ancestor, mark)) ancestor = parent_of(ancestor);
    return ancestor > 1 ? ancestor : 0;
}

}  // namespace

Launcher watch_launcher_of(pid_t rank, std::string const& mark) {
    for (;;) {
        auto const process = launcher_of(rank, mark);
        if (process == 0) return {};
        Launcher launcher{.ended = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, process, 0))),
                          .kills_what_is_left = contents_of(process, "comm") == "slurmstepd\n"};
        // Meanwhile it may have died and another process got its number.
        if (launcher_of(rank, mark) == process) return launcher;
    }
}

}  // namespace plenum::base
