// What lies in a file of results of Memory: a head, then records, one after the other. Append only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/blake2b.hpp"

namespace plenum::io {

/// Drawn when a file is made: a record is valid only in the file and at the place it was written for, so that
/// nothing in a value can be taken for a record.
using CacheFileId = std::array<std::byte, 16>;

struct CacheFileHead {
    std::array<char, 8> magic;
    std::uint32_t version;
    std::uint32_t check;  ///< CRC-32C of the other fields
    CacheFileId id;
};
static_assert(sizeof(CacheFileHead) == 32);

/// Comes before each value. Value and padding fill whole multiples of 8 bytes.
struct CacheRecord {
    std::uint32_t magic;
    std::uint32_t check;        ///< CRC-32C of the file's id, the record's place and the fields below
    std::uint32_t value_check;  ///< CRC-32C of the value
    std::uint32_t reserved;
    std::uint64_t bytes;      ///< of the value
    std::int64_t written_ns;  ///< since the epoch
    std::uint64_t name;       ///< hash of the function's name
    base::Digest key;

    /// Bytes in the file with value and padding.
    [[nodiscard]] std::uint64_t total() const noexcept { return sizeof(CacheRecord) + (bytes + 7) / 8 * 8; }
};
static_assert(sizeof(CacheRecord) == 72);

enum class HeadState {
    valid,
    newer,    ///< of a version that this program does not know
    damaged,  ///< or no head at all
};

[[nodiscard]] CacheFileHead make_head();
[[nodiscard]] HeadState state_of(CacheFileHead const& head) noexcept;

/// Fills in magic and check of a record at `offset`.
void seal(CacheRecord& record, CacheFileId const& id, std::uint64_t offset) noexcept;
/// The record that begins in `bytes`, which lie at `offset`; nothing when none does.
[[nodiscard]] std::optional<CacheRecord> record_in(std::span<std::byte const> bytes, CacheFileId const& id,
                                                   std::uint64_t offset) noexcept;

}  // namespace plenum::io
