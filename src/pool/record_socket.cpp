#include "pool/record_socket.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <plenum/error.hpp>

namespace plenum::pool {
namespace {

constexpr std::size_t buffer_bytes = 64 << 10;
constexpr std::size_t receive_most = 4 << 20;

}  // namespace

std::pair<base::UniqueFd, base::UniqueFd> RecordSocket::make_pair() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
        throw EnvironmentError(fmt::format("cannot open a socket pair ({}); raise the limit on open files",
                                           std::strerror(errno)));
    return {base::UniqueFd(ends[0]), base::UniqueFd(ends[1])};
}

bool RecordSocket::flush() {
    for (;;) {
        if (sending_.bytes.empty()) {
            if (waiting_.empty()) return true;
            sending_ = waiting_.take();
        }
        auto const sent =
            ::send(socket_.get(), sending_.bytes.data(), sending_.bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0) return errno == EAGAIN || errno == EINTR || errno == ENOBUFS;
        sent_ += static_cast<std::uint64_t>(sent);
        sending_.bytes = sending_.bytes.subspan(static_cast<std::size_t>(sent));
        if (sending_.bytes.empty()) sending_.owner.reset();
    }
}

void RecordSocket::make_room() {
    auto const begun = end_ - begin_;
    if (begun == 0 && buffer_.use_count() == 1) begin_ = end_ = 0;  // nobody holds a record of it any more
    auto const needed = begun == 0 ? 0 : wire::record_bytes({buffer_.get() + begin_, begun});
    if (buffer_ && end_ < size_ && needed <= size_ - begin_) return;
    auto const size = std::max<std::size_t>(buffer_bytes, needed);
    std::shared_ptr<std::byte[]> buffer(new std::byte[size]);  // not zeroed on purpose
    if (begun != 0) std::memcpy(buffer.get(), buffer_.get() + begin_, begun);
    buffer_ = std::move(buffer);
    size_ = size;
    begin_ = 0;
    end_ = begun;
}

bool RecordSocket::receive(std::function<void(wire::ActorRecord)> const& use) {
    for (std::size_t received = 0; received < receive_most;) {
        make_room();
        auto const bytes = ::recv(socket_.get(), buffer_.get() + end_, size_ - end_, MSG_DONTWAIT);
        if (bytes == 0) return false;
        if (bytes < 0) return errno == EAGAIN || errno == EINTR;
        end_ += static_cast<std::size_t>(bytes);
        received += static_cast<std::size_t>(bytes);
        for (;;) {
            ByteView const there{buffer_.get() + begin_, end_ - begin_};
            auto const length = wire::record_bytes(there);
            if (length == 0 || length > there.size()) break;
            auto record = wire::first_record({buffer_, there});
            begin_ += length;
            use(std::move(record));
        }
    }
    return true;
}

short RecordSocket::events() const noexcept {
    return static_cast<short>(has_unsent() ? POLLIN | POLLOUT : POLLIN);
}

}  // namespace plenum::pool
