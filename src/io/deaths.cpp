#include "io/deaths.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include "base/crc32c.hpp"
#include "base/unique_fd.hpp"
#include "io/positional.hpp"
#include "io/recorded_run.hpp"

namespace plenum::io {
namespace {

constexpr std::uint64_t most_bytes = 16 << 20;  // of a file that is read; what comes after is left out

struct Entry {
    std::uint64_t magic = 0x31'48'54'44'4d'4e'4c'50;  // "PLNMDTH1"
    std::uint64_t run = 0;
    std::uint64_t task = 0;
    std::int64_t process = 0;
    std::int64_t unix_ns = 0;
    std::uint32_t map = 0;
    std::int32_t rank = 0;
    std::array<char, 64> host{};
    std::uint32_t reserved = 0;
    std::uint32_t crc = 0;  // of all before it
};
static_assert(sizeof(Entry) == 120);

std::uint32_t crc_of(Entry const& entry) noexcept {
    return base::crc32c(std::as_bytes(std::span(&entry, 1)).first(offsetof(Entry, crc)));
}

}  // namespace

std::uint64_t run_key(RunIdentity const& identity) {
    std::uint64_t const key = std::stoull(fingerprint(identity).substr(0, 16), nullptr, 16);
    return std::max<std::uint64_t>(key, 1);
}

std::string deaths_path_of(std::string const& path) {
    return path + ".deaths";
}

void append_deaths(std::string const& deaths_path, std::span<Death const> deaths) noexcept try {
    if (deaths.empty()) return;
    std::vector<Entry> entries;
    for (auto const& death : deaths) {
        Entry entry{.run = death.run,
                    .task = death.task,
                    .process = death.process,
                    .unix_ns = death.unix_ns,
                    .map = death.map,
                    .rank = death.rank};
        death.host.copy(entry.host.data(), entry.host.size() - 1);
        entry.crc = crc_of(entry);
        entries.push_back(entry);
    }
    base::UniqueFd const file(::open(deaths_path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666));
    // At once, so that the entries of processes that die together lie one after the other.
    auto const bytes = std::as_bytes(std::span(entries));
    if (file && ::write(file.get(), bytes.data(), bytes.size()) < 0) return;
} catch (...) {
    return;
}

std::vector<Death> read_deaths(std::string const& deaths_path, std::uint64_t run) {
    std::vector<Death> deaths;
    base::UniqueFd const file(::open(deaths_path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0) return deaths;
    std::vector<std::byte> bytes(std::min(static_cast<std::uint64_t>(status.st_size), most_bytes));
    if (read_fully(file.get(), 0, bytes) != 0) return deaths;
    // A write that was cut short leaves what follows at any place.
    for (std::size_t at = 0; at + sizeof(Entry) <= bytes.size();) {
        Entry entry;
        std::memcpy(&entry, bytes.data() + at, sizeof entry);
        if (entry.magic != Entry{}.magic || entry.crc != crc_of(entry)) {
            ++at;
            continue;
        }
        at += sizeof entry;
        if (entry.run != run) continue;
        entry.host.back() = '\0';
        deaths.push_back({.run = entry.run,
                          .map = entry.map,
                          .task = entry.task,
                          .rank = entry.rank,
                          .process = entry.process,
                          .unix_ns = entry.unix_ns,
                          .host = entry.host.data()});
    }
    return deaths;
}

std::string describe(Death const& death) {
    constexpr std::int64_t second = 1'000'000'000;
    return fmt::format(
        "the process of rank {} ({} on {}) died while the task was at work, {:%Y-%m-%dT%H:%M:%SZ}",
        death.rank, death.process, death.host, fmt::gmtime(static_cast<std::time_t>(death.unix_ns / second)));
}

}  // namespace plenum::io
