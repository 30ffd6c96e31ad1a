// The reading side of a journal: finds the groups that are whole and gives out their records.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"
#include "io/journal_format.hpp"

namespace plenum::io {

/// Reads a file of any content; nothing in it is trusted before its checksum is right, and memory stays
/// small. Takes no lock and changes nothing: of a journal that grows it sees a beginning.
class JournalReader {
public:
    struct Record {
        RecordKind kind;
        std::uint64_t position;  ///< of the payload
        std::uint64_t bytes;     ///< of the payload
    };

    /// Validates all of it: at the speed of the disk or 3 GB/s. Throws EnvironmentError that names the file:
    /// it cannot be read, is no journal, is of a newer version, or is damaged where no kill could have done
    /// it (a record of a later group lies behind one that is not whole).
    explicit JournalReader(std::string path);

    /// The file ends before its header does: nothing was ever recorded.
    [[nodiscard]] bool empty() const noexcept { return empty_; }
    [[nodiscard]] JournalEnd const& end() const noexcept { return end_; }
    /// Of the whole groups, in order, without the commits.
    [[nodiscard]] std::vector<Record> const& records() const noexcept { return records_; }
    /// The first `bytes` of a payload, or all. Valid until the next call; cheap in order of position.
    [[nodiscard]] std::span<std::byte const> payload(Record const& record, std::uint64_t bytes = ~0ull);
    [[nodiscard]] std::string const& path() const noexcept { return path_; }

private:
    void read_header();
    void read_records();
    void refuse_damage_in_the_middle(std::uint64_t from);
    /// The record at that place, if it is one. Its payload is not looked at.
    [[nodiscard]] std::optional<RecordHeader> header_at(std::uint64_t place);
    [[nodiscard]] bool payload_is_whole(RecordHeader const& header, std::uint64_t position);
    /// Bytes of the file; through a window that moves on. Less than asked for at the end of the file.
    [[nodiscard]] std::span<std::byte const> bytes(std::uint64_t position, std::uint64_t count);

    std::string path_;
    base::UniqueFd fd_;
    std::uint64_t file_bytes_ = 0;
    bool empty_ = false;
    JournalEnd end_;
    std::vector<Record> records_;
    std::vector<std::byte> window_;
    std::uint64_t window_at_ = 0;
    std::uint64_t window_bytes_ = 0;
};

}  // namespace plenum::io
