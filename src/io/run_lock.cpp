#include "io/run_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <plenum/error.hpp>
#include <sstream>

#include "io/positional.hpp"

namespace plenum::io {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t text_bytes = 512;  // always: a later text covers an earlier one
constexpr auto settling = 200ms;  // in which another run that took the lock in the same moment shows up

double unix_seconds() {
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string host_name() {
    std::array<char, 256> name{};
    ::gethostname(name.data(), name.size() - 1);
    return name.data();
}

/// Processes of one machine can see each other by number.
std::string machine_name(std::string const& host) {
    std::array<char, 64> space{};
    if (::readlink("/proc/self/ns/pid", space.data(), space.size() - 1) < 0) return host;
    return host + "/" + space.data();
}

/// When the process started, in ticks since the start of the system; empty: there is none.
std::string start_of(long pid) {
    std::ifstream file(fmt::format("/proc/{}/stat", pid));
    std::string line;
    if (!std::getline(file, line) || line.rfind(')') == std::string::npos) return {};
    std::istringstream fields(line.substr(line.rfind(')') + 1));
    std::string field;
    constexpr int start_field = 20;  // 22 in proc(5), which counts number and name too
    for (int i = 0; i < start_field; ++i) fields >> field;
    return field;
}

bool is_same_file(int fd, std::string const& path) noexcept {
    struct stat opened {};
    struct stat named {};
    return ::fstat(fd, &opened) == 0 && ::stat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino &&
           opened.st_dev == named.st_dev;
}

}  // namespace

RunLock::RunLock(std::string const& path, LockOptions options)
    : path_(path), lock_path_(path + ".lock"), options_(options) {
    me_.host = host_name();
    me_.machine = machine_name(me_.host);
    me_.pid = ::getpid();
    me_.start = start_of(me_.pid);
    if (::getrandom(&me_.token, sizeof me_.token, 0) < 0) me_.token = static_cast<std::uint64_t>(me_.pid);
    me_.beat = unix_seconds();
    take();
    beater_ = std::thread([this] { beat(); });
}

RunLock::~RunLock() {
    {
        std::lock_guard const lock(mutex_);
        closing_ = true;
    }
    wake_.notify_one();
    beater_.join();
}

void RunLock::release() noexcept {
    if (is_mine()) ::unlink(lock_path_.c_str());
}

void RunLock::take() {
    auto const patient_until =
        std::chrono::steady_clock::now() + std::chrono::duration<double>(options_.patience_seconds);
    for (;;) {
        fd_.reset(::open(lock_path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
        if (!fd_ && errno == EISDIR)
            throw EnvironmentError(fmt::format(
                "{}: in the way (it is a folder); remove it or choose another name with -o", lock_path_));
        if (!fd_) throw creation_error(path_, errno);
        bool const has_flock = options_.use_flock && ::flock(fd_.get(), LOCK_EX | LOCK_NB) == 0;
        if (!has_flock && options_.use_flock) {
            if (errno == EINTR) continue;
            if (errno == EWOULDBLOCK) {
                if (std::chrono::steady_clock::now() > patient_until) refuse(read_owner(fd_.get()));
                std::this_thread::sleep_for(50ms);
                continue;
            }
        }
        if (!is_same_file(fd_.get(), lock_path_)) continue;  // its owner removed it in this moment
        auto const owner = read_owner(fd_.get());
        if (!owner.machine.empty() && !is_dead(owner, has_flock)) continue;  // it has changed: look again
        if (has_flock && (owner.machine.empty() || owner.machine == me_.machine)) {
            auto const line = text();
            if (auto const error = write_fully(fd_.get(), 0, std::as_bytes(std::span(line))); error != 0) {
                release();
                throw write_error(lock_path_, error, 0, text_bytes);
            }
        } else {
            replace();
        }
        if (is_mine()) return;
    }
}

bool RunLock::is_dead(Owner const& owner, bool has_flock) {
    if (owner.machine == me_.machine) {
        if (has_flock || start_of(owner.pid) != owner.start) return true;
        refuse(owner);
    }
    // By its clock or, as clocks differ, by ours.
    auto const begun = std::chrono::steady_clock::now();
    while (unix_seconds() - owner.beat < options_.stale_seconds &&
           std::chrono::steady_clock::now() - begun < std::chrono::duration<double>(options_.stale_seconds)) {
        std::this_thread::sleep_for(std::chrono::duration<double>(std::min(0.5, options_.beat_seconds)));
        base::UniqueFd const again(::open(lock_path_.c_str(), O_RDONLY | O_CLOEXEC));
        if (!again) return false;
        auto const now = read_owner(again.get());
        if (now.token != owner.token) return false;
        if (now.beats != owner.beats) refuse(now);
    }
    return true;
}

void RunLock::replace() {
    auto const name = fmt::format("{}.{:016x}", lock_path_, me_.token);
    fd_.reset(::open(name.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
    if (!fd_) throw creation_error(path_, errno);
    if (options_.use_flock)
        (void)::flock(fd_.get(), LOCK_EX | LOCK_NB);  // whoever can see it is kept out at once
    auto const line = text();
    auto error = write_fully(fd_.get(), 0, std::as_bytes(std::span(line)));
    if (error == 0 && ::rename(name.c_str(), lock_path_.c_str()) != 0) error = errno;
    if (error != 0) {
        ::unlink(name.c_str());
        throw write_error(lock_path_, error, 0, text_bytes);
    }
    std::this_thread::sleep_for(settling);
}

bool RunLock::is_mine() const noexcept {
    return is_same_file(fd_.get(), lock_path_);
}

void RunLock::require_mine() const {
    if (is_mine()) return;
    struct stat named {};
    auto const error = ::stat(lock_path_.c_str(), &named) == 0 ? 0 : errno;
    throw EnvironmentError(
        fmt::format("{}: {}; this one stops before it writes", path_,
                    error == 0 || error == ENOENT || error == ENOTDIR
                        ? fmt::format("another run has taken it over, or somebody removed {}", lock_path_)
                        : fmt::format("its lock {} is out of reach ({})", lock_path_, std::strerror(error))));
}

std::optional<LockHolder> RunLock::holder(std::string const& path, double stale_seconds) {
    base::UniqueFd const fd(::open((path + ".lock").c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return std::nullopt;
    auto const owner = read_owner(fd.get());
    if (owner.machine.empty()) return std::nullopt;
    bool const is_here = owner.machine == machine_name(host_name());
    bool const lives = is_here ? !owner.start.empty() && start_of(owner.pid) == owner.start
                               : unix_seconds() - owner.beat < stale_seconds;
    if (!lives) return std::nullopt;
    return LockHolder{.host = owner.host, .pid = owner.pid};
}

void RunLock::refuse(Owner const& owner) const {
    auto const who = owner.host.empty()
                         ? std::string("another run")
                         : fmt::format("another run (process {} on {})", owner.pid, owner.host);
    throw EnvironmentError(
        fmt::format("{}.partial: {} is writing it (it holds {}); wait for it or choose another name with -o",
                    path_, who, lock_path_));
}

void RunLock::beat() {
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, std::chrono::duration<double>(options_.beat_seconds),
                           [this] { return closing_; })) {
        me_.beat = unix_seconds();
        ++me_.beats;
        auto const line = text();
        // A failure shows at the other end, as a run that seems dead, and here before the next write.
        if (is_mine()) (void)write_fully(fd_.get(), 0, std::as_bytes(std::span(line)));
    }
}

std::string RunLock::text() const {
    auto line = fmt::format("machine {}\nhost {}\npid {}\nstart {}\ntoken {}\nbeat {:.3f}\nbeats {}\n",
                            me_.machine, me_.host, me_.pid, me_.start, me_.token, me_.beat, me_.beats);
    line.resize(text_bytes, ' ');
    line.back() = '\n';
    return line;
}

RunLock::Owner RunLock::read_owner(int fd) {
    std::string content(text_bytes, '\0');
    auto const got = ::pread(fd, content.data(), content.size(), 0);
    content.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    Owner owner;
    std::istringstream lines(content);
    std::string key;
    while (lines >> key) {
        if (key == "machine") lines >> owner.machine;
        if (key == "host") lines >> owner.host;
        if (key == "pid") lines >> owner.pid;
        if (key == "start") lines >> owner.start;
        if (key == "token") lines >> owner.token;
        if (key == "beat") lines >> owner.beat;
        if (key == "beats") lines >> owner.beats;
    }
    return owner;
}

}  // namespace plenum::io
