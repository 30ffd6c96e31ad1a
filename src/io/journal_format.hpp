// The journal as bytes: a header, then records in groups that count as a whole or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/crc32c.hpp"

namespace plenum::io {

/// Of the journal and of the records in it. A reader refuses any other.
inline constexpr std::uint32_t journal_version = 2;

enum class RecordKind : std::uint32_t {
    commit = 1,    ///< ends a group: the records since the last one count
    identity = 2,  ///< what is being run
    run = 3,       ///< a process begins or goes on with it
    map = 4,
    array = 5,
    results = 6,  ///< checksums of results that lie in the partial file
    ragged = 7,   ///< results themselves
    timing = 8,
    failure = 9,
    undo = 10,       ///< bytes of the partial file that HDF5 may change from here on
    updated = 11,    ///< it has: the last undo is void
    undone = 12,     ///< the last undo was carried out
    discarded = 13,  ///< results that are damaged and do not count any more
    layout = 14,     ///< checksum of the partial file outside of results and arrays, until the next change
    options = 15,    ///< the run options of the process that the last run record tells of
    packed = 16,     ///< results themselves, each compressed
    retry = 21,      ///< the tasks that have failed so far are to run again
    printed = 22,
};

struct JournalHeader {
    char magic[8] = {'P', 'L', 'N', 'M', 'J', 'R', 'N', 'L'};
    std::uint32_t version = journal_version;
    std::uint32_t reserved = 0;
    std::uint64_t id = 0;  ///< random, so that no record of another file is taken for one of this
    std::uint32_t reserved_too = 0;
    std::uint32_t crc = 0;  ///< of all before it
};
static_assert(sizeof(JournalHeader) == 32);

struct RecordHeader {
    std::uint32_t magic = 0x43'45'52'50;  // "PREC"
    RecordKind kind = RecordKind::commit;
    std::uint64_t group = 0;  ///< groups count from 0; one begins only when the one before is on the disk
    std::uint64_t bytes = 0;  ///< of the payload, which follows
    std::uint32_t payload_crc = 0;
    std::uint32_t crc = 0;  ///< of all before it, and of the journal's id and the record's place
};
static_assert(sizeof(RecordHeader) == 32);

[[nodiscard]] inline std::uint32_t crc_of(JournalHeader const& header) noexcept {
    return base::crc32c(std::as_bytes(std::span(&header, 1)).first(offsetof(JournalHeader, crc)));
}
[[nodiscard]] inline std::uint32_t crc_of(RecordHeader const& header, std::uint64_t journal,
                                          std::uint64_t place) noexcept {
    std::uint64_t const context[] = {journal, place};
    return base::crc32c(std::as_bytes(std::span(&header, 1)).first(offsetof(RecordHeader, crc)),
                        base::crc32c(std::as_bytes(std::span(context))));
}

/// Where a journal goes on: behind its last whole group.
struct JournalEnd {
    std::uint64_t id = 0;
    std::uint64_t bytes = sizeof(JournalHeader);
    std::uint64_t group = 0;  ///< number of the next group
};

[[nodiscard]] inline std::string journal_path_of(std::string const& path) {
    return path + ".journal";
}

}  // namespace plenum::io
