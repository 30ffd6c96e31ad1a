// A folder of results of Memory as one process uses it: find, keep, clear away. The files are shared by all
// processes of all jobs that use the folder.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <plenum/codec.hpp>
#include <plenum/detail/cache_core.hpp>
#include <string>
#include <vector>

#include "io/cache_file.hpp"

namespace plenum::io {

/// Thread-safe. The folder holds one file, results.plenum-cache, that all write under its lock (fcntl, open
/// file description). Where the file system refuses locks, each process appends to a file of its own,
/// results-HOST-PID-N.plenum-cache; all read all. Clearing away joins them into one again.
class CacheStore {
public:
    enum class Locks {
        automatic,  ///< where the file system has them
        never,      ///< as if it refused them
    };
    explicit CacheStore(std::string folder, Locks locks = Locks::automatic);

    /// Nothing when no whole value is there.
    [[nodiscard]] std::optional<Bytes> find(base::Digest const& key);
    /// Keeps the value unless the key has one. Returns why it could not be kept, or nothing. Not synced: what
    /// was kept last may be missing after a power failure.
    [[nodiscard]] std::string keep(base::Digest const& key, std::uint64_t name, ByteView value);

    /// Removes results and writes the rest anew, into one file. Returns how many were removed. Throws
    /// EnvironmentError; then nothing has changed.
    std::uint64_t remove_all();
    std::uint64_t remove(std::uint64_t name);
    std::uint64_t reduce(CacheLimits const& limits);

private:
    struct Kept {
        CacheFile const* file = nullptr;
        CacheRecord record{};
        std::uint64_t offset = 0;
    };
    enum class Lock { held, refused, unusable };

    void look();
    void look_for_files();
    /// Opens the shared file and locks it. `problem`: why it is not usable.
    [[nodiscard]] Lock lock_shared(std::string& problem);
    /// The file that this process alone writes; returns why there is none.
    [[nodiscard]] std::string open_own(CacheFile*& own);
    /// Without doubles, oldest first.
    [[nodiscard]] std::vector<Kept> every_result() const;
    template <class Choose>
    std::uint64_t rewrite(Choose const& choose);
    void write_anew(std::vector<Kept> const& results, std::string const& path) const;

    std::mutex mutex_;
    std::string folder_;
    Locks locks_;
    pid_t process_;  // a child of fork must not share descriptors, and with them locks, with its parent
    std::map<std::string, std::unique_ptr<CacheFile>> files_;  // by path
    std::string own_;                                          // path of this process's own file, if any
    timespec folder_changed_{};  // when the folder's files were looked up; 0: look again
};

}  // namespace plenum::io
