#include "io/journal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <plenum/error.hpp>

#include "io/positional.hpp"

namespace plenum::io {
namespace {

constexpr std::size_t buffer_bytes = std::size_t{1} << 20;

EnvironmentError cannot(std::string const& path, char const* what, int error) {
    return EnvironmentError(
        fmt::format("{}: cannot be {} ({}); check disk and folder, or choose another with -o", path, what,
                    std::strerror(error)));
}

std::uint64_t random_id() {
    std::uint64_t id = 0;
    if (::getrandom(&id, sizeof id, 0) != static_cast<ssize_t>(sizeof id))
        throw EnvironmentError("the system gives no random numbers (getrandom failed); check the machine");
    return id;
}

}  // namespace

Journal::Journal(std::string path) : path_(std::move(path)) {
    fd_.reset(::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (!fd_) throw cannot(path_, "created", errno);
    JournalHeader header{.id = random_id()};
    header.crc = crc_of(header);
    end_.id = header.id;
    end_.bytes = 0;
    write(std::as_bytes(std::span(&header, 1)));
}

Journal::Journal(std::string path, JournalEnd end) : path_(std::move(path)), end_(end) {
    fd_.reset(::open(path_.c_str(), O_RDWR | O_CLOEXEC));
    if (!fd_) throw cannot(path_, "opened", errno);
    // On the disk before anything is appended: what lies behind must not come back after a power loss.
    if (::ftruncate(fd_.get(), static_cast<off_t>(end_.bytes)) != 0 || ::fsync(fd_.get()) != 0)
        throw cannot(path_, "cut", errno);
}

std::uint64_t Journal::append(RecordKind kind, std::initializer_list<std::span<std::byte const>> parts) {
    require_sound();
    RecordHeader header{.kind = kind, .group = end_.group};
    for (auto const part : parts) {
        header.bytes += part.size();
        header.payload_crc = base::crc32c(part, header.payload_crc);
    }
    header.crc = crc_of(header, end_.id, end_.bytes);
    open_group_ = kind != RecordKind::commit;
    write(std::as_bytes(std::span(&header, 1)));
    auto const position = end_.bytes;
    for (auto const part : parts) write(part);
    return position;
}

void Journal::commit() {
    append(RecordKind::commit, {});
    flush();
    if (::fdatasync(fd_.get()) != 0) {
        broken_ = true;
        throw cannot(path_, "synced", errno);
    }
    ++end_.group;
}

void Journal::read(std::uint64_t position, std::span<std::byte> into) {
    if (position + into.size() > end_.bytes - buffer_.size()) flush();
    if (auto const error = read_fully(fd_.get(), position, into); error != 0)
        throw EnvironmentError(
            fmt::format("{}: cannot be read back ({}); check the disk", path_, std::strerror(error)));
}

void Journal::write(std::span<std::byte const> bytes) {
    if (buffer_.size() + bytes.size() > buffer_bytes) flush();
    if (bytes.size() < buffer_bytes) {
        buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
    } else if (auto const error = write_fully(fd_.get(), end_.bytes, bytes); error != 0) {
        broken_ = true;  // half a record lies there
        throw write_error(path_, error, end_.bytes, end_.bytes);
    } else {
        writeout_.wrote(fd_.get(), bytes.size());
    }
    end_.bytes += bytes.size();
}

void Journal::flush() {
    if (buffer_.empty()) return;
    if (auto const error = write_fully(fd_.get(), end_.bytes - buffer_.size(), buffer_); error != 0) {
        broken_ = true;
        throw write_error(path_, error, end_.bytes - buffer_.size(), end_.bytes);
    }
    writeout_.wrote(fd_.get(), buffer_.size());
    buffer_.clear();
}

void Journal::require_sound() const {
    if (broken_)
        throw EnvironmentError(
            fmt::format("{}: an earlier write or sync failed; end the run and resume it", path_));
}

}  // namespace plenum::io
