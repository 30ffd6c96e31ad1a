// A result file in the making: name.partial, renamed when it is complete. Its owner holds the RunLock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"
#include "io/direct_writer.hpp"
#include "io/early_writeout.hpp"
#include "io/journal_records.hpp"

namespace plenum::io {

/// What happens to a file that has the final name already. `resume`: it may be replaced by an unfinished run
/// that lies beside it, and by no other.
enum class ExistingFile : std::uint8_t { refuse, replace, resume };

/// Throws UsageError if `path` exists and `existing` is refuse; EnvironmentError if it is no regular file.
void refuse_existing(std::string const& path, ExistingFile existing);

[[nodiscard]] inline std::string partial_path_of(std::string const& path) {
    return path + ".partial";
}

class PartialFile {
public:
    enum class Begin : std::uint8_t { fresh, resume, look };

    /// Opens `<path>.partial`: a new and empty one, or the one that is there; to look at it without the lock,
    /// for reading only. Throws EnvironmentError that
    /// names the file.
    PartialFile(std::string path, ExistingFile existing, Begin begin);

    [[nodiscard]] std::string const& path() const noexcept { return path_; }
    [[nodiscard]] std::string const& partial_path() const noexcept { return partial_path_; }
    [[nodiscard]] std::uint64_t bytes() const;

    /// Throws EnvironmentError unless the disk has room for `bytes` more.
    void require_space(std::uint64_t bytes) const;
    /// Gives `bytes` from `offset` on their place on the disk, so that no write there can fail for want of
    /// room, and expects results of that size. Where the file system cannot do that, the room is only
    /// compared.
    void reserve(std::uint64_t offset, std::uint64_t bytes);
    /// Lengthens the file by `bytes` that have a place on the disk.
    void reserve_at_end(std::uint64_t bytes);
    /// Writes at a place of the file and counts the bytes: large pieces straight to the disk, where they lie
    /// well for that (see DirectWriter), others into the page cache. Of those the kernel is asked now and
    /// then to start writing, so that the next sync finds little to do. Errors: EnvironmentError, "disk
    /// full".
    void write_at(std::uint64_t offset, std::span<std::byte const> data);
    /// Reads what was written. Throws EnvironmentError when it cannot be read whole.
    void read_at(std::uint64_t offset, std::span<std::byte> data) const;
    /// CRC-32C of bytes of the file; of fewer where it ends before them.
    [[nodiscard]] std::uint32_t checksum(std::uint64_t offset, std::uint64_t bytes) const;
    /// Overwrites without counting.
    void overwrite_at(std::uint64_t offset, std::span<std::byte const> data);
    /// Waits until everything written is on the disk. A failure must end the run.
    void sync();

    /// A part of the file that does not count as changeable.
    struct Range {
        std::uint64_t offset = 0;
        std::uint64_t bytes = 0;
    };
    /// The length of the file and all bytes outside of `excluded`.
    [[nodiscard]] Undo save(std::vector<Range> excluded) const;
    /// Puts them back.
    void restore(Undo const& undo);

    /// Syncs file and folder around the atomic change of name from `from`, which is this file or one made
    /// from it. If the last step fails the complete file stays and the error says so. Nothing may be written
    /// afterwards.
    void publish(std::string const& from);
    /// Any thread, at any time, also while publish() is under way: from here on publish() throws. Returns
    /// false when the name is taken already.
    bool forbid_publishing();

private:
    void open(Begin begin);
    void rename(std::string const& from);
    [[nodiscard]] bool allocate(std::uint64_t offset, std::uint64_t bytes);

    std::string path_;
    std::string partial_path_;
    ExistingFile existing_;
    base::UniqueFd fd_;
    DirectWriter direct_;
    EarlyWriteout writeout_;
    std::mutex name_mutex_;  // guards the next two
    bool published_ = false;
    bool forbidden_ = false;
    std::uint64_t written_ = 0;
    std::uint64_t expected_ = 0;
    std::uint64_t unallocated_ = 0;  // expected bytes that have no place on the disk before they are written
};

}  // namespace plenum::io
