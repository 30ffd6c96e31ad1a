// Hands a descriptor to another process, over a local socket.
#pragma once

#include <cstddef>

#include "base/unique_fd.hpp"

namespace plenum::base {

/// Sends `bytes` bytes, one message of a SOCK_SEQPACKET socket, and with them a copy of `fd`. False: it
/// failed, see errno.
[[nodiscard]] bool send_with_fd(int socket, void const* data, std::size_t bytes, int fd) noexcept;

/// Receives what send_with_fd() sent. False: the other end is gone, or sent something else.
[[nodiscard]] bool receive_with_fd(int socket, void* data, std::size_t bytes, UniqueFd& fd) noexcept;

}  // namespace plenum::base
