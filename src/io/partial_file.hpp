// A result file in the making: name.partial, locked against a second run, renamed when it is complete.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>

#include "base/unique_fd.hpp"

namespace plenum::io {

enum class ExistingFile : std::uint8_t { refuse, replace };

/// Creates an empty `<path>.partial`. The lock is a file of its own, `<path>.lock`, because HDF5 readers lock
/// the file that they open: a lock on the data would keep them out (on NFS every kind of lock does).
class PartialFile {
public:
    /// A `.partial` without a live owner is left over from a dead run and is replaced. Throws UsageError if
    /// `path` exists and `existing` is refuse; EnvironmentError if it is no regular file, if its folder is
    /// missing or not writable, or if another run is writing it.
    PartialFile(std::string path, ExistingFile existing);
    PartialFile(PartialFile const&) = delete;
    PartialFile& operator=(PartialFile const&) = delete;
    /// Removes `.partial` unless it was published or is complete.
    ~PartialFile();

    [[nodiscard]] std::string const& path() const noexcept { return path_; }
    [[nodiscard]] std::string const& partial_path() const noexcept { return partial_path_; }

    /// Throws EnvironmentError unless the disk has room for `bytes` more.
    void require_space(std::uint64_t bytes) const;
    /// Gives `bytes` from `offset` on their place on the disk, so that no write there can fail for want of
    /// room, and expects results of that size. Where the file system cannot do that, the room is only
    /// compared.
    void reserve(std::uint64_t offset, std::uint64_t bytes);
    /// Lengthens the file by `bytes` that have a place on the disk.
    void reserve_at_end(std::uint64_t bytes);
    /// Writes at a place of the file and counts the bytes. Now and then asks the kernel to start
    /// writing to the disk, so that the final sync finds little to do. Errors: EnvironmentError, "disk full".
    void write_at(std::uint64_t offset, std::span<std::byte const> data);
    /// Reads what was written. Throws EnvironmentError when it cannot be read whole.
    void read_at(std::uint64_t offset, std::span<std::byte> data) const;
    /// Overwrites without counting.
    void overwrite_at(std::uint64_t offset, std::span<std::byte const> data);
    /// Syncs file and folder around the atomic change of name. If the last step fails the complete `.partial`
    /// stays and the error says so. Nothing may be written afterwards.
    void publish();
    /// For a process that is about to end; any thread, at any time. Removes the files unless they are
    /// published or complete: then returns false.
    bool abandon();

private:
    void refuse_existing() const;
    void lock();
    void create();
    void rename();
    [[nodiscard]] bool allocate(std::uint64_t offset, std::uint64_t bytes);

    std::string path_;
    std::string partial_path_;
    std::string lock_path_;
    ExistingFile existing_;
    base::UniqueFd lock_;
    base::UniqueFd fd_;
    std::mutex name_mutex_;  // guards the next two: the name is taken or the file removed, not both
    bool keep_ = false;
    bool abandoned_ = false;
    bool replaces_leftover_ = true;
    std::uint64_t written_ = 0;
    std::uint64_t expected_ = 0;
    std::uint64_t unallocated_ = 0;  // expected bytes that have no place on the disk before they are written
    std::uint64_t not_started_ = 0;  // bytes since the last request to start writing to the disk
};

}  // namespace plenum::io
