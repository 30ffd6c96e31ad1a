#include "base/fd_passing.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace plenum::base {
namespace {

/// A message with room for one descriptor beside it.
struct Envelope {
    Envelope(void* data, std::size_t bytes) noexcept : content{.iov_base = data, .iov_len = bytes} {
        header.msg_iov = &content;
        header.msg_iovlen = 1;
        header.msg_control = control.data();
        header.msg_controllen = control.size();
    }
    iovec content;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr header{};
};

}  // namespace

bool send_with_fd(int socket, void const* data, std::size_t bytes, int fd) noexcept {
    Envelope envelope(const_cast<void*>(data), bytes);  // only read
    auto* const part = CMSG_FIRSTHDR(&envelope.header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(part), &fd, sizeof fd);
    return ::sendmsg(socket, &envelope.header, MSG_NOSIGNAL) == static_cast<ssize_t>(bytes);
}

bool receive_with_fd(int socket, void* data, std::size_t bytes, UniqueFd& fd) noexcept {
    Envelope envelope(data, bytes);
    ssize_t received = -1;
    do {
        received = ::recvmsg(socket, &envelope.header, MSG_CMSG_CLOEXEC);
    } while (received < 0 && errno == EINTR);
    auto const* const part = CMSG_FIRSTHDR(&envelope.header);
    if (part != nullptr && part->cmsg_type == SCM_RIGHTS) {
        int taken = -1;
        std::memcpy(&taken, CMSG_DATA(part), sizeof taken);
        fd.reset(taken);
    }
    return received == static_cast<ssize_t>(bytes) && fd;
}

}  // namespace plenum::base
