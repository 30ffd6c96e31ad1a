// Lock, creation, positional writes and the atomic change of name.
#include "io/partial_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <plenum/error.hpp>

#include "base/crc32c.hpp"
#include "base/units.hpp"
#include "io/positional.hpp"

namespace plenum::io {

void refuse_existing(std::string const& path, ExistingFile existing) {
    if (path.empty()) throw UsageError("the result file has no name; give one with -o");
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return;
    if (S_ISDIR(status.st_mode))
        throw EnvironmentError(fmt::format("{} is a folder (results need a file); add a file name", path));
    if (!S_ISREG(status.st_mode))
        throw EnvironmentError(fmt::format("{} is no regular file; choose another name with -o", path));
    if (existing == ExistingFile::refuse)
        throw UsageError(
            fmt::format("{} exists; choose another name with -o or replace it with --force", path));
}

PartialFile::PartialFile(std::string path, ExistingFile existing, Begin begin)
    : path_(std::move(path)), partial_path_(partial_path_of(path_)), existing_(existing) {
    open(begin);
}

void PartialFile::open(Begin begin) {
    int const creation = begin == Begin::fresh ? O_CREAT | O_EXCL : 0;
    int const access = begin == Begin::look ? O_RDONLY : O_RDWR;
    fd_.reset(::open(partial_path_.c_str(), access | O_CLOEXEC | creation, 0666));
    if (fd_) return;
    if (begin != Begin::fresh)
        throw EnvironmentError(
            fmt::format("{}: cannot be opened ({}); check the file", partial_path_, std::strerror(errno)));
    throw creation_error(path_, errno);
}

std::uint64_t PartialFile::bytes() const {
    struct stat status {};
    return ::fstat(fd_.get(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

void PartialFile::require_space(std::uint64_t bytes) const {
    struct statvfs space {};
    // Some network file systems report no sizes at all.
    if (::fstatvfs(fd_.get(), &space) != 0 || space.f_blocks == 0) return;
    auto const free = std::uint64_t{space.f_bavail} * space.f_frsize;
    auto const missing = (unallocated_ > written_ ? unallocated_ - written_ : 0) + bytes;
    if (missing > free)
        throw EnvironmentError(
            fmt::format("{}: the disk is too small (results need {}, {} are free); make room or choose "
                        "another folder with -o",
                        path_, base::format_bytes(missing), base::format_bytes(free)));
}

void PartialFile::reserve(std::uint64_t offset, std::uint64_t bytes) {
    if (!allocate(offset, bytes)) unallocated_ += bytes;
    expected_ += bytes;
}

void PartialFile::reserve_at_end(std::uint64_t bytes) {
    (void)allocate(this->bytes(), bytes);
}

bool PartialFile::allocate(std::uint64_t offset, std::uint64_t bytes) {
    if (bytes == 0) return true;
    require_space(bytes);
    int error = 0;
    do {
        error =
            ::fallocate(fd_.get(), 0, static_cast<off_t>(offset), static_cast<off_t>(bytes)) == 0 ? 0 : errno;
    } while (error == EINTR);
    if (error == EOPNOTSUPP || error == ENOSYS) return false;
    if (error != 0) throw write_error(partial_path_, error, written_, expected_ + bytes);
    return true;
}

void PartialFile::write_at(std::uint64_t offset, std::span<std::byte const> data) {
    auto const direct = direct_.write(fd_.get(), offset, data);
    if (direct.error != 0) throw write_error(partial_path_, direct.error, written_ + direct.last, expected_);
    overwrite_at(offset, data.first(direct.first));
    overwrite_at(offset + direct.last, data.subspan(direct.last));
    written_ += data.size();
    writeout_.wrote(fd_.get(), data.size() - (direct.last - direct.first));
}

void PartialFile::read_at(std::uint64_t offset, std::span<std::byte> data) const {
    if (auto const error = read_fully(fd_.get(), offset, data); error != 0)
        throw EnvironmentError(fmt::format("{}: cannot read results back ({}); check the disk", partial_path_,
                                           std::strerror(error)));
}

std::uint32_t PartialFile::checksum(std::uint64_t offset, std::uint64_t count) const {
    std::uint32_t crc = 0;
    std::vector<std::byte> block(std::min<std::uint64_t>(count, 1 << 20));
    auto const end = std::min(offset + count, std::max(offset, bytes()));
    for (auto at = offset; at < end; at += block.size()) {
        auto const part = std::span(block).first(std::min<std::uint64_t>(block.size(), end - at));
        read_at(at, part);
        crc = base::crc32c(part, crc);
    }
    return crc;
}

void PartialFile::overwrite_at(std::uint64_t offset, std::span<std::byte const> data) {
    if (auto const error = write_fully(fd_.get(), offset, data); error != 0)
        throw write_error(partial_path_, error, written_, expected_);
}

void PartialFile::sync() {
    if (::fdatasync(fd_.get()) != 0) throw write_error(partial_path_, errno, written_, expected_);
}

Undo PartialFile::save(std::vector<Range> excluded) const {
    Undo undo{.file_bytes = bytes(), .parts = {}};
    std::ranges::sort(excluded, {}, &Range::offset);
    excluded.push_back({.offset = undo.file_bytes, .bytes = 0});
    std::uint64_t at = 0;
    for (auto const& range : excluded) {
        if (auto const end = std::min(range.offset, undo.file_bytes); end > at) {
            auto& part = undo.parts.emplace_back(SavedBytes{.offset = at, .bytes = {}});
            part.bytes.resize(end - at);
            read_at(at, part.bytes);
        }
        at = std::max(at, range.offset + range.bytes);
    }
    return undo;
}

void PartialFile::restore(Undo const& undo) {
    for (auto const& part : undo.parts) overwrite_at(part.offset, part.bytes);
    if (::ftruncate(fd_.get(), static_cast<off_t>(undo.file_bytes)) != 0)
        throw write_error(partial_path_, errno, written_, expected_);
}

void PartialFile::publish(std::string const& from) {
    {
        base::UniqueFd const file(::open(from.c_str(), O_RDWR | O_CLOEXEC));
        if (!file || ::fsync(file.get()) != 0) throw write_error(from, errno, written_, expected_);
    }
    {
        std::lock_guard const lock(name_mutex_);
        if (forbidden_) throw EnvironmentError("the run was interrupted; the same command resumes it");
        rename(from);
        published_ = true;
    }
    if (auto const error = sync_folder_of(path_); error != 0)
        throw EnvironmentError(
            fmt::format("{} is complete, but its folder could not be synced ({}); check the disk", path_,
                        std::strerror(error)));
}

bool PartialFile::forbid_publishing() {
    std::lock_guard const lock(name_mutex_);
    if (published_) return false;
    forbidden_ = true;
    return true;
}

void PartialFile::rename(std::string const& source) {
    auto const* from = source.c_str();
    auto const* to = path_.c_str();
    int result = 0;
    if (existing_ == ExistingFile::replace) {
        result = ::rename(from, to);
    } else {
        result = ::renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
        if (result != 0 && (errno == EINVAL || errno == ENOSYS)) {  // NFS: the same in two steps
            result = ::link(from, to);
            if (result == 0) ::unlink(from);
        }
    }
    if (result == 0) return;
    if (errno == EEXIST)
        throw UsageError(
            fmt::format("{} appeared during the run and is left alone; the results are in {}: move {} away "
                        "and run the same "
                        "command again",
                        path_, partial_path_, path_));
    throw EnvironmentError(
        fmt::format("{}: cannot take its final name ({}); the results are in {}: the same command "
                    "tries again",
                    path_, std::strerror(errno), partial_path_));
}

}  // namespace plenum::io
