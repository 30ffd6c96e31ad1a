// The writing side of a journal: records collected in memory, made durable group by group.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"
#include "io/early_writeout.hpp"
#include "io/journal_format.hpp"

namespace plenum::io {

/// One process writes, under the lock of the result file. Errors: EnvironmentError that names the file. After
/// a sync that failed nobody knows what the disk holds: every later call throws, and the run has to end.
class Journal {
public:
    /// A new, empty journal with a random id; an existing file is an error. Syncs nothing.
    explicit Journal(std::string path);
    /// Goes on with one that was read; cuts off and forgets what lies behind `end`.
    Journal(std::string path, JournalEnd end);

    /// Adds a record to the open group; the payload is the parts one after the other. Large parts are written
    /// at once and not copied. Returns where the payload begins.
    std::uint64_t append(RecordKind kind, std::initializer_list<std::span<std::byte const>> parts);
    /// Ends the open group and waits until it is on the disk. Cost: one fdatasync, about a millisecond.
    void commit();
    /// Whether there are records that no commit has covered.
    [[nodiscard]] bool has_open_group() const noexcept { return open_group_; }
    /// Bytes of a payload that was appended or read, from `position` on.
    void read(std::uint64_t position, std::span<std::byte> into);

    [[nodiscard]] std::uint64_t id() const noexcept { return end_.id; }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return end_.bytes; }
    [[nodiscard]] std::string const& path() const noexcept { return path_; }

private:
    void write(std::span<std::byte const> bytes);
    void flush();
    void require_sound() const;

    std::string path_;
    base::UniqueFd fd_;
    JournalEnd end_;  // with what is in the buffer
    std::vector<std::byte> buffer_;
    EarlyWriteout writeout_;
    bool open_group_ = false;
    bool broken_ = false;
};

}  // namespace plenum::io
