// Lock, creation, positional writes and the atomic change of name.
#include "io/partial_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <plenum/error.hpp>

#include "base/units.hpp"
#include "io/positional.hpp"

namespace plenum::io {
namespace {

constexpr std::uint64_t writeout_bytes = std::uint64_t{16} << 20;

bool is_same_file(int fd, std::string const& path) noexcept {
    struct stat opened {};
    struct stat named {};
    return ::fstat(fd, &opened) == 0 && ::stat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino &&
           opened.st_dev == named.st_dev;
}

EnvironmentError creation_error(std::string const& path, int error) {
    auto const folder = folder_of(path);
    if (struct stat status {}; error == ENOENT && ::stat(folder.c_str(), &status) != 0)
        return EnvironmentError(fmt::format(
            "{}: its folder {} does not exist; create it first or choose another with -o", path, folder));
    return EnvironmentError(fmt::format("{}: cannot be created in folder {} ({}); choose another with -o",
                                        path, folder, std::strerror(error)));
}

}  // namespace

PartialFile::PartialFile(std::string path, ExistingFile existing)
    : path_(std::move(path)),
      partial_path_(path_ + ".partial"),
      lock_path_(path_ + ".lock"),
      existing_(existing) {
    if (path_.empty()) throw UsageError("the result file has no name; give one with -o");
    refuse_existing();
    lock();
    try {
        refuse_existing();  // a run that held the lock may have published meanwhile
        create();
    } catch (...) {
        ::unlink(lock_path_.c_str());
        throw;
    }
}

PartialFile::~PartialFile() {
    if (abandoned_) return;  // the names may belong to another run by now
    if (!keep_) ::unlink(partial_path_.c_str());
    ::unlink(lock_path_.c_str());
}

void PartialFile::refuse_existing() const {
    struct stat status {};
    if (::stat(path_.c_str(), &status) != 0) return;
    if (S_ISDIR(status.st_mode))
        throw EnvironmentError(fmt::format("{} is a folder (results need a file); add a file name", path_));
    if (!S_ISREG(status.st_mode))
        throw EnvironmentError(fmt::format("{} is no regular file; choose another name with -o", path_));
    if (existing_ == ExistingFile::refuse)
        throw UsageError(
            fmt::format("{} exists; choose another name with -o or replace it with --force", path_));
}

void PartialFile::lock() {
    for (;;) {
        lock_.reset(::open(lock_path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
        if (!lock_ && errno == EISDIR)
            throw EnvironmentError(fmt::format(
                "{}: in the way (it is a folder); remove it or choose another name with -o", lock_path_));
        if (!lock_) throw creation_error(path_, errno);
        if (::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0) {
            if (is_same_file(lock_.get(), lock_path_)) return;
            continue;  // its owner removed it between our open and our lock
        }
        if (errno == EINTR) continue;
        if (errno == EWOULDBLOCK)
            throw EnvironmentError(fmt::format(
                "{}: another run is writing it (it holds {}); wait for it or choose another name with -o",
                partial_path_, lock_path_));
        replaces_leftover_ =
            false;  // no locks on this file system: a live run cannot be told from a dead one
        return;
    }
}

void PartialFile::create() {
    if (replaces_leftover_ && ::unlink(partial_path_.c_str()) != 0 && errno != ENOENT)
        throw EnvironmentError(
            fmt::format("{}: in the way and cannot be removed ({}); remove it or choose "
                        "another name with -o",
                        partial_path_, std::strerror(errno)));
    fd_.reset(::open(partial_path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (fd_) return;
    if (errno == EEXIST)
        throw EnvironmentError(fmt::format(
            "{} exists (another run may be writing it); remove it if no run does", partial_path_));
    throw creation_error(path_, errno);
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
    struct stat status {};
    if (::fstat(fd_.get(), &status) == 0) (void)allocate(static_cast<std::uint64_t>(status.st_size), bytes);
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
    overwrite_at(offset, data);
    written_ += data.size();
    not_started_ += data.size();
    if (not_started_ < writeout_bytes) return;
    // Only a hint: an error shows again in the final fsync.
    (void)::sync_file_range(fd_.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
    not_started_ = 0;
}

void PartialFile::read_at(std::uint64_t offset, std::span<std::byte> data) const {
    if (auto const error = read_fully(fd_.get(), offset, data); error != 0)
        throw EnvironmentError(
            fmt::format("{}: cannot read results back ({}); check the disk", partial_path_, std::strerror(error)));
}

void PartialFile::overwrite_at(std::uint64_t offset, std::span<std::byte const> data) {
    if (auto const error = write_fully(fd_.get(), offset, data); error != 0)
        throw write_error(partial_path_, error, written_, expected_);
}

void PartialFile::publish() {
    if (::fsync(fd_.get()) != 0) throw write_error(partial_path_, errno, written_, expected_);
    {
        std::lock_guard const lock(name_mutex_);
        if (abandoned_) throw EnvironmentError(partial_path_ + " was removed (the run was interrupted); start it again");
        keep_ = true;
        rename();
    }
    base::UniqueFd const folder(::open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    // EINVAL: a file system that has no sync for folders.
    if (folder && ::fsync(folder.get()) != 0 && errno != EINVAL)
        throw EnvironmentError(
            fmt::format("{} is complete, but its folder could not be synced ({}); check the disk", path_,
                        std::strerror(errno)));
}

bool PartialFile::abandon() {
    std::lock_guard const lock(name_mutex_);
    if (keep_) return false;
    abandoned_ = true;
    ::unlink(partial_path_.c_str());
    ::unlink(lock_path_.c_str());
    return true;
}

void PartialFile::rename() {
    auto const* from = partial_path_.c_str();
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
        throw UsageError(fmt::format(
            "{} appeared during the run and is left alone; the complete results are in {}: rename it", path_,
            partial_path_));
    throw EnvironmentError(fmt::format("{}: cannot take its final name ({}); the complete results are in {}",
                                       path_, std::strerror(errno), partial_path_));
}

}  // namespace plenum::io
