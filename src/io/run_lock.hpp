// The lock of a result file: one run at a time writes, whatever the file system thinks of locks.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/unique_fd.hpp"

namespace plenum::io {

struct LockOptions {
    double beat_seconds = 5;    ///< between two signs of life
    double stale_seconds = 60;  ///< without one, after which an owner on another host counts as dead
    double patience_seconds =
        3;  ///< for an owner that is just ending: what a killed launcher leaves takes a moment
    bool use_flock = true;  ///< false: as on a file system that refuses it
};

/// The process that holds a lock.
struct LockHolder {
    std::string host{};
    long pid = 0;
};

/// Holds `<path>.lock`: an flock that the kernel lets go of with the process, and for file systems where that
/// is refused or stays on one host, host, process and a sign of life written into the file. The lock is a
/// file of its own because HDF5 readers lock the file that they open.
class RunLock {
public:
    /// Takes the lock of a dead run over. Waits where only time can tell whether the run lives (it was on
    /// another host): at most `stale_seconds`. Throws EnvironmentError when another run lives, and when the
    /// folder is missing or not writable.
    explicit RunLock(std::string const& path, LockOptions options = {});
    RunLock(RunLock const&) = delete;
    RunLock& operator=(RunLock const&) = delete;
    ~RunLock();

    /// Throws EnvironmentError when another run has taken the lock over, or somebody has removed it: this one
    /// must not write any more. Cost: some microseconds.
    void require_mine() const;
    [[nodiscard]] bool is_mine() const noexcept;
    /// Nothing will be written any more: removes the file, unless it belongs to another run by now. Otherwise
    /// the end of the process lets go of the lock.
    void release() noexcept;

    /// Who writes `path` now; nothing where nobody does. Only looks: takes nothing, waits for nothing. A run on
    /// another host counts as alive while its last sign of life is younger than `stale_seconds`.
    [[nodiscard]] static std::optional<LockHolder> holder(std::string const& path,
                                                          double stale_seconds = LockOptions{}.stale_seconds);

private:
    struct Owner {
        std::string machine{};  ///< host and process namespace; empty: nobody
        std::string host{};
        long pid = 0;
        std::string start{};  ///< of the process, by its kernel
        std::uint64_t token = 0;
        double beat = 0;  ///< Unix time in seconds
        std::uint64_t beats = 0;
    };

    static Owner read_owner(int fd);
    [[nodiscard]] std::string text() const;
    void take();
    [[nodiscard]] bool is_dead(Owner const& owner, bool has_flock);
    /// Puts a new file of this run in the place of the old one.
    void replace();
    [[noreturn]] void refuse(Owner const& owner) const;
    void beat();

    std::string path_;
    std::string lock_path_;
    LockOptions options_;
    Owner me_;
    base::UniqueFd fd_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool closing_ = false;
    std::thread beater_;
};

}  // namespace plenum::io
