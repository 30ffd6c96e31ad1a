#include "io/journal_reader.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <plenum/error.hpp>

#include "io/positional.hpp"

namespace plenum::io {
namespace {

constexpr std::uint64_t window_size = std::uint64_t{1} << 20;
constexpr std::uint64_t search_bytes = 4096;

}  // namespace

JournalReader::JournalReader(std::string path) : path_(std::move(path)) {
    fd_.reset(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat status {};
    if (!fd_ || ::fstat(fd_.get(), &status) != 0)
        throw EnvironmentError(
            fmt::format("{}: cannot be read ({}); check the file", path_, std::strerror(errno)));
    if (!S_ISREG(status.st_mode))
        throw EnvironmentError(fmt::format("{}: is no regular file; remove it", path_));
    file_bytes_ = static_cast<std::uint64_t>(status.st_size);
    empty_ = file_bytes_ < sizeof(JournalHeader);
    if (empty_) return;
    read_header();
    read_records();
}

void JournalReader::read_header() {
    JournalHeader header;
    auto const found = bytes(0, sizeof header);
    // A power loss may have left the length and not the content.
    if (std::ranges::all_of(found, [](std::byte byte) { return byte == std::byte{0}; })) {
        empty_ = true;
        return;
    }
    std::memcpy(&header, found.data(), sizeof header);
    if (std::memcmp(header.magic, JournalHeader{}.magic, sizeof header.magic) != 0 ||
        header.crc != crc_of(header))
        throw EnvironmentError(fmt::format(
            "{}: is damaged, or no journal of Plenum; --restart discards it and the partial file", path_));
    if (header.version != journal_version)
        throw EnvironmentError(fmt::format(
            "{}: its format is version {}, this Plenum knows {}; resume with the Plenum that wrote it, "
            "or discard it with --restart",
            path_, header.version, journal_version));
    end_.id = header.id;
}

void JournalReader::read_records() {
    if (empty_) return;
    auto place = end_.bytes;
    std::vector<Record> group;
    for (;;) {
        auto const header = header_at(place);
        auto const position = place + sizeof(RecordHeader);
        if (!header || header->group != end_.group || !payload_is_whole(*header, position)) break;
        place = position + header->bytes;
        if (header->kind != RecordKind::commit) {
            group.push_back({header->kind, position, header->bytes});
            continue;
        }
        records_.insert(records_.end(), group.begin(), group.end());
        group.clear();
        end_.bytes = place;
        ++end_.group;
    }
    refuse_damage_in_the_middle(place);
}

void JournalReader::refuse_damage_in_the_middle(std::uint64_t from) {
    RecordHeader const sample;
    auto const magic = std::as_bytes(std::span(&sample.magic, 1));
    for (auto at = from; at + sizeof(RecordHeader) <= file_bytes_;) {
        auto const part = bytes(at, search_bytes);
        auto const found = std::search(part.begin(), part.end(), magic.begin(), magic.end());
        if (found == part.end()) {
            at += part.size() - std::min<std::size_t>(part.size(), magic.size() - 1);
            if (part.size() < search_bytes) return;
            continue;
        }
        at += static_cast<std::uint64_t>(found - part.begin());
        if (auto const header = header_at(at); header && header->group > end_.group)
            throw EnvironmentError(
                fmt::format("{}: is damaged at byte {} (what lies behind is whole, so no kill did this); "
                            "restore it from a "
                            "copy, or discard all results with --restart",
                            path_, from));
        ++at;
    }
}

std::optional<RecordHeader> JournalReader::header_at(std::uint64_t place) {
    RecordHeader header;
    auto const found = bytes(place, sizeof header);
    if (found.size() < sizeof header) return std::nullopt;
    std::memcpy(&header, found.data(), sizeof header);
    if (header.magic != RecordHeader{}.magic || header.crc != crc_of(header, end_.id, place))
        return std::nullopt;
    return header;
}

bool JournalReader::payload_is_whole(RecordHeader const& header, std::uint64_t position) {
    if (header.bytes > file_bytes_ - position) return false;
    std::uint32_t crc = 0;
    for (std::uint64_t done = 0; done < header.bytes;) {
        auto const part = bytes(position + done, std::min(window_size, header.bytes - done));
        if (part.empty()) return false;  // it has become shorter
        crc = base::crc32c(part, crc);
        done += part.size();
    }
    return crc == header.payload_crc;
}

std::span<std::byte const> JournalReader::payload(Record const& record, std::uint64_t count) {
    auto const found = bytes(record.position, std::min(count, record.bytes));
    if (found.size() < std::min(count, record.bytes))
        throw EnvironmentError(fmt::format("{}: became shorter while it was read; check who uses it", path_));
    return found;
}

std::span<std::byte const> JournalReader::bytes(std::uint64_t position, std::uint64_t count) {
    count = std::min(count, file_bytes_ - std::min(position, file_bytes_));
    if (position < window_at_ || position + count > window_at_ + window_bytes_) {
        auto const wanted = std::min(std::max(count, window_size), file_bytes_ - position);
        if (window_.size() < wanted) window_.resize(wanted);
        window_at_ = position;
        window_bytes_ = 0;
        while (window_bytes_ < wanted) {
            auto const got = ::pread(fd_.get(), window_.data() + window_bytes_, wanted - window_bytes_,
                                     static_cast<off_t>(position + window_bytes_));
            if (got < 0 && errno == EINTR) continue;
            if (got < 0)
                throw EnvironmentError(
                    fmt::format("{}: cannot be read ({}); check the disk", path_, std::strerror(errno)));
            if (got == 0) break;
            window_bytes_ += static_cast<std::uint64_t>(got);
        }
    }
    auto const behind = position - window_at_;
    return std::span(window_).subspan(behind, std::min(count, window_bytes_ - behind));
}

}  // namespace plenum::io
