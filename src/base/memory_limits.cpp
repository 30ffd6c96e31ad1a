#include "base/memory_limits.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <optional>
#include <string_view>

#include "base/units.hpp"

namespace plenum::base {
namespace {

std::optional<std::uint64_t> read_number(std::string const& path) {
    std::ifstream file(path);
    std::string text;
    if (!(file >> text)) return std::nullopt;
    std::uint64_t value = 0;
    auto const result = std::from_chars(text.data(), text.data() + text.size(), value);
    return result.ec == std::errc{} ? std::optional(value) : std::nullopt;  // "max" is no number: no limit
}

std::uint64_t read_stat(std::string const& path, std::string_view key) {
    std::ifstream file(path);
    std::string name;
    std::uint64_t value = 0;
    while (file >> name >> value)
        if (name == key) return value;
    return 0;
}

struct CgroupFiles {
    char const *limit, *usage, *cache_key;
};

/// The least headroom on the way from `root + path` up to `root`.
std::uint64_t headroom_below(std::string const& root, std::string path, CgroupFiles files) {
    auto least = UINT64_MAX;
    for (;;) {
        auto const folder = root + path;
        auto const limit = read_number(fmt::format("{}/{}", folder, files.limit));
        auto const usage = read_number(fmt::format("{}/{}", folder, files.usage));
        // v1 writes "no limit" as a number near 2^63.
        if (limit && usage && *limit < (std::uint64_t{1} << 60)) {
            auto const cache = read_stat(folder + "/memory.stat", files.cache_key);
            auto const used = *usage - std::min(*usage, cache);
            least = std::min(least, *limit - std::min(*limit, used));
        }
        auto const slash = path.rfind('/');
        if (slash == std::string::npos || path.empty()) return least;
        path.resize(slash);
    }
}

std::uint64_t cgroup_headroom() {
    std::ifstream file("/proc/self/cgroup");
    auto least = UINT64_MAX;
    for (std::string line; std::getline(file, line);) {
        auto const first = line.find(':');
        auto const second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        auto const controllers = line.substr(first + 1, second - first - 1);
        auto path = line.substr(second + 1);
        if (path == "/") path.clear();
        if (controllers.empty())
            least = std::min(least, headroom_below("/sys/fs/cgroup", path,
                                                   {"memory.max", "memory.current", "inactive_file"}));
        else if (controllers == "memory")
            least = std::min(least, headroom_below("/sys/fs/cgroup/memory", path,
                                                   {"memory.limit_in_bytes", "memory.usage_in_bytes",
                                                    "total_inactive_file"}));
    }
    return least;
}

std::uint64_t memory_available() {
    std::ifstream file("/proc/meminfo");
    std::string key, unit;
    std::uint64_t kibibytes = 0;
    while (file >> key >> kibibytes) {
        std::getline(file, unit);
        if (key == "MemAvailable:") return kibibytes * 1024;
    }
    return UINT64_MAX;
}

}  // namespace

std::uint64_t MemoryLimits::least() const noexcept {
    return std::min({available, cgroup_headroom, backing_free});
}

std::string MemoryLimits::describe() const {
    auto text = fmt::format("{} of memory available", format_bytes(available));
    if (cgroup_headroom != UINT64_MAX)
        text += fmt::format(", cgroup allows {}", format_bytes(cgroup_headroom));
    if (backing_free != UINT64_MAX)
        text += fmt::format(", {} free in {}", format_bytes(backing_free), backing_directory);
    return text;
}

MemoryLimits read_memory_limits(std::string const& backing_directory) {
    MemoryLimits limits{.available = memory_available(),
                        .cgroup_headroom = cgroup_headroom(),
                        .backing_free = UINT64_MAX,
                        .backing_directory = backing_directory};
    struct statvfs space {};
    if (!backing_directory.empty() && ::statvfs(backing_directory.c_str(), &space) == 0)
        limits.backing_free = static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize;
    return limits;
}

std::uint64_t page_size() noexcept {
    static auto const size = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    return size;
}

int populate(void* begin, std::uint64_t bytes) noexcept {
    static constexpr int madv_populate_write =
        23;  // not in the C library's header before glibc 2.35's kernel headers
    // No bytes are always made present, if the kernel knows how to.
    static bool const known = ::madvise(nullptr, 0, madv_populate_write) == 0;
    if (known) {
        if (::madvise(begin, bytes, madv_populate_write) == 0) return 0;
        return errno == EFAULT ? ENOMEM : errno;
    }
    // Kernels before 5.14: touch the pages. The caller has checked the limits before.
    auto* const page = static_cast<char volatile*>(begin);
    for (std::uint64_t at = 0; at < bytes; at += page_size()) page[at] = page[at];
    return 0;
}

}  // namespace plenum::base
