// One file of results of Memory, and what this process knows of it: where each result lies.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <plenum/codec.hpp>
#include <string>
#include <unordered_map>

#include "base/unique_fd.hpp"
#include "io/cache_format.hpp"

namespace plenum::io {

/// Not thread-safe. Readers need no lock: whoever reads while another process appends sees the records that
/// are whole. Writers hold the file's lock, or are the only ones who write it.
class CacheFile {
public:
    explicit CacheFile(std::string path) : path_(std::move(path)) {}

    /// Opens the file, to write where that is allowed; with `create` it may be new. Returns 0 or an errno.
    [[nodiscard]] int open(bool create);
    [[nodiscard]] bool is_open() const noexcept { return static_cast<bool>(fd_); }
    [[nodiscard]] bool writable() const noexcept { return writable_; }
    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    [[nodiscard]] std::string const& path() const noexcept { return path_; }
    /// What is open is no longer what stands at the path: replaced or removed.
    [[nodiscard]] bool is_replaced() const;
    /// A newer Plenum made it.
    [[nodiscard]] bool is_newer() const noexcept { return head_ == HeadState::newer; }

    /// Looks for records that were appended. False when the file is replaced. Cost: one stat where it is not
    /// and nothing was appended.
    [[nodiscard]] bool follow();
    /// The same for a writer, who has to know the end of the last record.
    void find_end();
    /// The value of `key`, checked; nothing when it is not there or damaged.
    [[nodiscard]] std::optional<Bytes> find(base::Digest const& key);

    /// Every record and where it lies, in order, up to the present end. Values are not checked.
    void each(std::function<void(CacheRecord const&, std::uint64_t offset)> const& visit) const;
    /// The value of a record, checked.
    [[nodiscard]] std::optional<Bytes> value_of(CacheRecord const& record, std::uint64_t offset) const;
    /// Bytes at the last look.
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

    /// Appends a record: makes the head of an empty file, cuts off what a writer that died has left.
    /// `record`: all but magic and checks. Only for writers, after find_end(). Returns 0 or an errno; then
    /// nothing is appended.
    [[nodiscard]] int append(CacheRecord record, ByteView value);

private:
    void forget() noexcept;
    void look(std::uint64_t size);
    struct Found {
        std::optional<CacheRecord> record;
        std::uint64_t offset = 0;
    };
    class Window;
    /// The first record at or after `from`.
    [[nodiscard]] Found next_record(Window& window, std::uint64_t from, std::uint64_t size) const;
    [[nodiscard]] bool last_is_unchanged() const;

    std::string path_;
    base::UniqueFd fd_;
    dev_t device_ = 0;
    ino_t inode_ = 0;
    bool writable_ = false;
    HeadState head_ = HeadState::damaged;
    CacheFileId id_{};
    std::uint64_t size_ = 0;     // at the last look
    std::uint64_t scanned_ = 0;  // end of the last record known
    std::uint64_t last_ = 0;     // where that record begins, 0: none
    std::uint32_t last_check_ = 0;
    std::unordered_map<std::uint64_t, std::uint64_t>
        places_;  // by the first bytes of the key; find() checks all
};

/// The first eight bytes.
[[nodiscard]] std::uint64_t beginning_of(base::Digest const& digest) noexcept;

}  // namespace plenum::io
