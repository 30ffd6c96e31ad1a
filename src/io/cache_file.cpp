#include "io/cache_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/crc32c.hpp"
#include "io/positional.hpp"

namespace plenum::io {
namespace {

constexpr std::size_t least_window_bytes = 4096;
constexpr std::size_t most_window_bytes = 128 * 1024;
constexpr std::size_t joined_bytes =
    64 * 1024;  // values up to this are written in one piece with their record
constexpr std::size_t first_read_bytes = 4096;  // a small value comes with its record

}  // namespace

std::uint64_t beginning_of(base::Digest const& digest) noexcept {
    std::uint64_t number = 0;
    std::memcpy(&number, digest.data(), sizeof number);
    return number;
}

/// Reads the file in pieces: long ones as long as records are small, short ones where large values are
/// skipped.
class CacheFile::Window {
public:
    explicit Window(int fd) : fd_(fd), buffer_(least_window_bytes) {}
    /// At most `bytes` at `offset`; fewer at the end of the file.
    [[nodiscard]] ByteView at(std::uint64_t offset, std::size_t bytes) {
        if (offset < begin_ || offset + bytes > begin_ + filled_) {
            bool const goes_on = filled_ > 0 && offset >= begin_ && offset <= begin_ + filled_;
            buffer_.resize(goes_on ? std::min(2 * buffer_.size(), most_window_bytes) : least_window_bytes);
            begin_ = offset;
            filled_ = 0;
            while (filled_ < buffer_.size()) {
                auto const got = ::pread(fd_, buffer_.data() + filled_, buffer_.size() - filled_,
                                         static_cast<off_t>(offset + filled_));
                if (got < 0 && errno == EINTR) continue;
                if (got <= 0) break;
                filled_ += static_cast<std::size_t>(got);
            }
        }
        auto const skipped = static_cast<std::size_t>(offset - begin_);
        return ByteView(buffer_).subspan(skipped, std::min(bytes, filled_ - std::min(filled_, skipped)));
    }

private:
    int fd_;
    Bytes buffer_;
    std::uint64_t begin_ = 0;
    std::size_t filled_ = 0;
};

int CacheFile::open(bool create) {
    // O_NONBLOCK: a pipe of that name must not hold anybody up.
    constexpr int flags = O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    forget();
    fd_.reset(::open(path_.c_str(), flags | O_RDWR | (create ? O_CREAT : 0), 0666));
    writable_ = static_cast<bool>(fd_);
    if (!fd_ && (errno == EACCES || errno == EROFS || errno == EPERM))
        fd_.reset(::open(path_.c_str(), flags | O_RDONLY));
    if (!fd_) return errno;
    struct stat status {};
    if (::fstat(fd_.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
        fd_.reset();
        return EINVAL;
    }
    device_ = status.st_dev;
    inode_ = status.st_ino;
    return 0;
}

bool CacheFile::is_replaced() const {
    struct stat there {};
    return ::stat(path_.c_str(), &there) != 0 || there.st_ino != inode_ || there.st_dev != device_;
}

bool CacheFile::follow() {
    struct stat there {};
    if (!fd_ || ::stat(path_.c_str(), &there) != 0 || there.st_ino != inode_ || there.st_dev != device_)
        return false;
    auto const size = static_cast<std::uint64_t>(there.st_size);
    if (size != size_) look(size);
    return true;
}

void CacheFile::find_end() {
    struct stat status {};
    if (::fstat(fd_.get(), &status) == 0) look(static_cast<std::uint64_t>(status.st_size));
}

void CacheFile::forget() noexcept {
    head_ = HeadState::damaged;
    size_ = scanned_ = last_ = 0;
    places_.clear();
}

bool CacheFile::last_is_unchanged() const {
    CacheFileHead head{};
    if (read_fully(fd_.get(), 0, std::as_writable_bytes(std::span(&head, 1))) != 0 || head.id != id_)
        return false;
    if (last_ == 0) return true;
    CacheRecord last{};
    return read_fully(fd_.get(), last_, std::as_writable_bytes(std::span(&last, 1))) == 0 &&
           last.check == last_check_;
}

void CacheFile::look(std::uint64_t size) {
    // What is known holds only while the file grows: it was cut where a record was damaged, or by hand.
    if (head_ != HeadState::valid || size < scanned_ || !last_is_unchanged()) {
        forget();
        CacheFileHead head{};
        if (read_fully(fd_.get(), 0, std::as_writable_bytes(std::span(&head, 1))) == 0)
            head_ = state_of(head);
        id_ = head.id;
        scanned_ = sizeof head;
    }
    size_ = size;
    if (head_ != HeadState::valid) return;
    Window window(fd_.get());
    for (;;) {
        auto const found = next_record(window, scanned_, size);
        if (!found.record) return;
        places_[beginning_of(found.record->key)] = found.offset;
        last_ = found.offset;
        last_check_ = found.record->check;
        scanned_ = found.offset + found.record->total();
    }
}

CacheFile::Found CacheFile::next_record(Window& window, std::uint64_t from, std::uint64_t size) const {
    for (auto offset = from; offset + sizeof(CacheRecord) <= size; offset += 8) {
        auto record = record_in(window.at(offset, sizeof(CacheRecord)), id_, offset);
        if (!record) continue;  // damaged: the next that is whole
        // Being written, or the writer died: nothing follows it.
        if (record->total() > size - offset) return {};
        return {std::move(record), offset};
    }
    return {};
}

void CacheFile::each(std::function<void(CacheRecord const&, std::uint64_t)> const& visit) const {
    if (head_ != HeadState::valid) return;
    Window window(fd_.get());
    std::uint64_t at = sizeof(CacheFileHead);
    for (;;) {
        auto const found = next_record(window, at, size_);
        if (!found.record) return;
        visit(*found.record, found.offset);
        at = found.offset + found.record->total();
    }
}

std::optional<Bytes> CacheFile::value_of(CacheRecord const& record, std::uint64_t offset) const {
    Bytes value(record.bytes);
    if (read_fully(fd_.get(), offset + sizeof record, value) != 0 ||
        base::crc32c(value) != record.value_check)
        return std::nullopt;
    return value;
}

std::optional<Bytes> CacheFile::find(base::Digest const& key) {
    auto const place = places_.find(beginning_of(key));
    if (place == places_.end()) return std::nullopt;
    auto const offset = place->second;
    std::array<std::byte, first_read_bytes> buffer;
    auto const got = ::pread(fd_.get(), buffer.data(), buffer.size(), static_cast<off_t>(offset));
    auto const read = ByteView(buffer).first(got < 0 ? 0 : static_cast<std::size_t>(got));
    auto const record = record_in(read, id_, offset);
    if (record && record->key == key) {
        auto const content = read.subspan(sizeof(CacheRecord));
        if (record->bytes > content.size()) {
            if (record->total() <= size_ - std::min(size_, offset))
                if (auto value = value_of(*record, offset)) return value;
        } else if (auto const value = content.first(record->bytes);
                   base::crc32c(value) == record->value_check) {
            return Bytes(value.begin(), value.end());
        }
    }
    places_.erase(place);  // damaged: to be computed and appended again
    return std::nullopt;
}

int CacheFile::append(CacheRecord record, ByteView value) {
    auto const fd = fd_.get();
    if (head_ != HeadState::valid) {
        auto const head = make_head();
        if (::ftruncate(fd, 0) != 0) return errno;
        if (auto const error = write_fully(fd, 0, std::as_bytes(std::span(&head, 1))); error != 0) {
            (void)!::ftruncate(fd, 0);
            return error;
        }
        forget();
        head_ = HeadState::valid;
        id_ = head.id;
        size_ = scanned_ = sizeof head;
    }
    if (size_ > scanned_ && ::ftruncate(fd, static_cast<off_t>(scanned_)) != 0) return errno;

    record.bytes = value.size();
    record.value_check = base::crc32c(value);
    seal(record, id_, scanned_);
    auto const bytes_of_record = std::as_bytes(std::span(&record, 1));
    auto const begun = value.size() > joined_bytes ? ByteView() : value;
    Bytes joined(bytes_of_record.begin(), bytes_of_record.end());
    joined.insert(joined.end(), begun.begin(), begun.end());
    auto const padding = static_cast<std::size_t>(record.total() - sizeof record - value.size());
    int error = 0;
    if (begun.size() == value.size()) {
        joined.resize(joined.size() + padding);
        error = write_fully(fd, scanned_, joined);
    } else {
        // The record first: who sees it without its value knows that more will come.
        error = write_fully(fd, scanned_, joined);
        if (error == 0) error = write_fully(fd, scanned_ + sizeof record, value);
        constexpr std::array<std::byte, 7> zeros{};
        if (error == 0)
            error = write_fully(fd, scanned_ + sizeof record + value.size(), ByteView(zeros).first(padding));
    }
    if (error != 0) {
        (void)!::ftruncate(fd, static_cast<off_t>(scanned_));
        size_ = scanned_;
        return error;
    }
    places_[beginning_of(record.key)] = scanned_;
    last_ = scanned_;
    last_check_ = record.check;
    scanned_ += record.total();
    size_ = scanned_;
    return 0;
}

}  // namespace plenum::io
