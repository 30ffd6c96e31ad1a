// An end of a local socket that carries records of actors, without ever blocking.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "base/unique_fd.hpp"
#include "wire/actor_records.hpp"

namespace plenum::pool {

class RecordSocket {
public:
    RecordSocket() = default;
    explicit RecordSocket(base::UniqueFd socket) : socket_(std::move(socket)) {}
    /// Both ends, closed on exec. Throws EnvironmentError when the system has none left.
    [[nodiscard]] static std::pair<base::UniqueFd, base::UniqueFd> make_pair();

    [[nodiscard]] int fd() const noexcept { return socket_.get(); }
    void push(wire::Payload const& record) { waiting_.add(record); }
    /// Sends what the socket takes now. False: the other end is gone.
    [[nodiscard]] bool flush();
    [[nodiscard]] bool has_unsent() const noexcept { return !sending_.bytes.empty() || !waiting_.empty(); }
    /// Bytes that the socket has taken so far, and that were pushed.
    [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }
    [[nodiscard]] std::uint64_t pushed() const noexcept {
        return sent_ + sending_.bytes.size() + waiting_.bytes();
    }
    /// Hands over the whole records that are there, about 4 MiB at a time. False: the other end is gone.
    [[nodiscard]] bool receive(std::function<void(wire::ActorRecord)> const& use);
    /// What poll() should wait for.
    [[nodiscard]] short events() const noexcept;

private:
    void make_room();

    base::UniqueFd socket_;
    wire::Mailbag waiting_;
    wire::Payload sending_;  // the rest of a piece
    std::uint64_t sent_ = 0;
    // Records are handed over where they arrived: each keeps its buffer alive.
    std::shared_ptr<std::byte[]> buffer_;
    std::size_t size_ = 0, begin_ = 0, end_ = 0;
};

}  // namespace plenum::pool
