#include "io/direct_writer.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>

#include "base/beside.hpp"

namespace plenum::io {

bool DirectWriter::is_open(int file) {
    if (fd_) return true;
    if (!is_possible_) return false;
    is_possible_ = false;
    struct statfs system {};
    if (::fstatfs(file, &system) != 0) return false;
    auto const kind = static_cast<std::uint64_t>(system.f_type);
    if (kind != EXT4_SUPER_MAGIC && kind != XFS_SUPER_MAGIC) return false;
    // By the descriptor: the name may belong to another file by now.
    fd_.reset(::open(fmt::format("/proc/self/fd/{}", file).c_str(), O_WRONLY | O_DIRECT | O_CLOEXEC));
    return is_possible_ = static_cast<bool>(fd_);
}

/// Returns how many bytes were written, and errno where it stopped.
DirectWriter::Done DirectWriter::write_units(std::uint64_t offset,
                                             std::span<std::byte const> data) const noexcept {
    std::size_t at = 0;
    while (at < data.size()) {
        auto const done =
            ::pwrite(fd_.get(), data.data() + at, data.size() - at, static_cast<off_t>(offset + at));
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return {.bytes = at, .error = done < 0 ? errno : 0};
        at += static_cast<std::size_t>(done);
        if (at % direct_unit != 0) break;  // what is left of a unit goes another way
    }
    return {.bytes = at, .error = 0};
}

DirectWriter::Part DirectWriter::write(int file, std::uint64_t offset, std::span<std::byte const> data) {
    auto const place = reinterpret_cast<std::uintptr_t>(data.data());
    if (data.size() < direct_least || (place - offset) % direct_unit != 0 || !is_open(file)) return {};
    auto const first = (direct_unit - offset % direct_unit) % direct_unit;
    auto const units = (data.size() - first) / direct_unit;
    auto const whole = data.subspan(first, units * direct_unit);
    // Two at a time keep a disk busy that does one after the other.
    auto const middle = units / 2 * direct_unit;
    auto behind = base::beside([&] { return write_units(offset + first + middle, whole.subspan(middle)); });
    auto const done = write_units(offset + first, whole.first(middle));
    auto const rest = behind.get();
    auto const error = done.error != 0 ? done.error : rest.error;
    if (error == EINVAL) {  // a device with larger units than those of any known to us
        fd_.reset();
        is_possible_ = false;
        return {};
    }
    return {
        .first = first, .last = first + done.bytes + (done.bytes == middle ? rest.bytes : 0), .error = error};
}

}  // namespace plenum::io
