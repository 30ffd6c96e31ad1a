#include "io/cache_format.hpp"

#include <bit>
#include <cstring>
#include <random>

#include "base/crc32c.hpp"

namespace plenum::io {
namespace {

static_assert(std::endian::native == std::endian::little, "files hold little-endian numbers");

constexpr std::array<char, 8> head_magic{'P', 'l', 'n', 'C', 'a', 'c', 'h', 'e'};
constexpr std::uint32_t format_version = 1;
constexpr std::uint32_t record_magic = 0x43526c50;  // "PlRC"
constexpr std::uint64_t most_bytes = std::uint64_t{1} << 56;

template <class T>
std::span<std::byte const> bytes_of(T const& value) noexcept {
    return std::as_bytes(std::span(&value, 1));
}

std::uint32_t check_of(CacheFileHead const& head) noexcept {
    return base::crc32c(bytes_of(head.id), base::crc32c(bytes_of(head.version)));
}

std::uint32_t check_of(CacheRecord const& record, CacheFileId const& id, std::uint64_t offset) noexcept {
    constexpr auto first = offsetof(CacheRecord, value_check);
    auto const place = base::crc32c(bytes_of(offset), base::crc32c(bytes_of(id)));
    return base::crc32c(bytes_of(record).subspan(first), place);
}

}  // namespace

CacheFileHead make_head() {
    CacheFileHead head{.magic = head_magic, .version = format_version, .check = 0, .id = {}};
    std::random_device random;
    for (std::size_t i = 0; i < head.id.size(); i += sizeof(unsigned)) {
        auto const bits = random();
        std::memcpy(head.id.data() + i, &bits, sizeof bits);
    }
    head.check = check_of(head);
    return head;
}

HeadState state_of(CacheFileHead const& head) noexcept {
    if (head.magic != head_magic || head.check != check_of(head)) return HeadState::damaged;
    return head.version == format_version ? HeadState::valid : HeadState::newer;
}

void seal(CacheRecord& record, CacheFileId const& id, std::uint64_t offset) noexcept {
    record.magic = record_magic;
    record.reserved = 0;
    record.check = check_of(record, id, offset);
}

std::optional<CacheRecord> record_in(std::span<std::byte const> bytes, CacheFileId const& id,
                                     std::uint64_t offset) noexcept {
    CacheRecord record;
    if (bytes.size() < sizeof record) return std::nullopt;
    std::memcpy(&record, bytes.data(), sizeof record);
    if (record.magic != record_magic || record.bytes > most_bytes ||
        record.check != check_of(record, id, offset))
        return std::nullopt;
    return record;
}

}  // namespace plenum::io
