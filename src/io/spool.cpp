// The buffer and the nameless file behind it.
#include "io/spool.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <plenum/error.hpp>

#include "io/positional.hpp"

namespace plenum::io {
namespace {

constexpr std::size_t buffer_bytes = std::size_t{1} << 20;

base::UniqueFd open_nameless(std::string const& folder) {
    base::UniqueFd fd(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (!fd) {  // NFS and others have no O_TMPFILE
        auto name = folder + "/.plenum-spool-XXXXXX";
        fd.reset(::mkostemp(name.data(), O_CLOEXEC));
        if (!fd)
            throw EnvironmentError(
                fmt::format("{}: no temporary file can be made there ({}); choose another "
                            "folder with -o",
                            folder, std::strerror(errno)));
        ::unlink(name.c_str());
    }
    return fd;
}

}  // namespace

std::uint64_t Spool::append(std::span<std::byte const> data) {
    auto const position = size();
    if (buffer_.size() + data.size() > buffer_bytes) flush();
    if (data.size() > buffer_bytes)
        write(data);
    else
        buffer_.insert(buffer_.end(), data.begin(), data.end());
    return position;
}

void Spool::read(std::uint64_t position, std::span<std::byte> into) {
    if (position < in_file_) {
        auto const part = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), in_file_ - position));
        if (auto const error = read_fully(fd_.get(), position, into.first(part)); error != 0)
            throw EnvironmentError(
                fmt::format("{}: the temporary file cannot be read back ({}); check the disk", folder_,
                            std::strerror(error)));
        into = into.subspan(part);
        position += part;
    }
    if (!into.empty()) std::memcpy(into.data(), buffer_.data() + (position - in_file_), into.size());
}

void Spool::flush() {
    write(buffer_);
    buffer_.clear();
}

void Spool::write(std::span<std::byte const> data) {
    if (data.empty()) return;
    if (!fd_) fd_ = open_nameless(folder_);
    if (auto const error = write_fully(fd_.get(), in_file_, data); error != 0)
        throw write_error(folder_, error, in_file_, size());
    in_file_ += data.size();
}

}  // namespace plenum::io
