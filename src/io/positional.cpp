// Loops around pread and pwrite, and what their errors mean to a user.
#include "io/positional.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/unique_fd.hpp"
#include "base/units.hpp"

namespace plenum::io {

int write_fully(int fd, std::uint64_t offset, std::span<std::byte const> data) noexcept {
    while (!data.empty()) {
        auto const done = ::pwrite(fd, data.data(), data.size(), static_cast<off_t>(offset));
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return errno;
        if (done == 0) return ENOSPC;
        data = data.subspan(static_cast<std::size_t>(done));
        offset += static_cast<std::uint64_t>(done);
    }
    return 0;
}

int read_fully(int fd, std::uint64_t offset, std::span<std::byte> into) noexcept {
    while (!into.empty()) {
        auto const done = ::pread(fd, into.data(), into.size(), static_cast<off_t>(offset));
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return errno;
        if (done == 0) return EIO;
        into = into.subspan(static_cast<std::size_t>(done));
        offset += static_cast<std::uint64_t>(done);
    }
    return 0;
}

EnvironmentError write_error(std::string const& path, int error, std::uint64_t written,
                             std::uint64_t expected) {
    auto const progress = expected > written ? fmt::format("{} of {} written", base::format_bytes(written),
                                                           base::format_bytes(expected))
                                             : fmt::format("{} written", base::format_bytes(written));
    if (error == ENOSPC || error == EDQUOT || error == EFBIG)
        return EnvironmentError(fmt::format("{}: {} ({}); make room or choose another folder with -o", path,
                                            error == ENOSPC  ? "disk full"
                                            : error == EFBIG ? "disk full: the file reached its size limit"
                                                             : "disk full: quota exceeded",
                                            progress));
    return EnvironmentError(
        fmt::format("{}: cannot be written ({}; {}); check the disk", path, std::strerror(error), progress));
}

EnvironmentError creation_error(std::string const& path, int error) {
    auto const folder = folder_of(path);
    if (struct stat status{}; error == ENOENT && ::stat(folder.c_str(), &status) != 0)
        return EnvironmentError(fmt::format(
            "{}: its folder {} does not exist; create it first or choose another with -o", path, folder));
    return EnvironmentError(fmt::format("{}: cannot be created in folder {} ({}); choose another with -o",
                                        path, folder, std::strerror(error)));
}

int sync_folder_of(std::string const& path) noexcept {
    base::UniqueFd const folder(::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    // EINVAL: a file system that has no sync for folders.
    return folder && ::fsync(folder.get()) != 0 && errno != EINVAL ? errno : 0;
}

std::string folder_of(std::string const& path) {
    auto const folder = std::filesystem::path(path).parent_path().string();
    return folder.empty() ? "." : folder;
}

}  // namespace plenum::io
