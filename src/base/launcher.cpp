#include "base/launcher.hpp"

#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace plenum::base {
namespace {

/// 0: not known.
pid_t parent_of(pid_t process) {
    std::ifstream file(fmt::format("/proc/{}/stat", process));
    std::string line;
    std::getline(file, line, '\0');
    auto const name_end = line.rfind(')');  // the name may hold anything
    if (name_end == std::string::npos) return 0;
    std::istringstream rest(line.substr(name_end + 1));
    char state = 0;
    pid_t parent = 0;
    rest >> state >> parent;
    return parent;
}

pid_t launcher_of(pid_t rank) {
    auto const group = ::getpgid(rank);
    for (auto ancestor = parent_of(rank); ancestor > 1; ancestor = parent_of(ancestor))
        if (::getpgid(ancestor) != group) return ancestor;
    return 0;
}

}  // namespace

UniqueFd watch_launcher_of(pid_t rank) {
    for (;;) {
        auto const launcher = launcher_of(rank);
        if (launcher == 0) return {};
        UniqueFd descriptor(static_cast<int>(::syscall(SYS_pidfd_open, launcher, 0)));
        // Meanwhile it may have died and another process got its number.
        if (launcher_of(rank) == launcher) return descriptor;
    }
}

}  // namespace plenum::base
