#include "base/unique_fd.hpp"

#include <unistd.h>

#include <type_traits>

namespace plenum::base {

static_assert(!std::is_copy_constructible_v<UniqueFd> && std::is_nothrow_move_constructible_v<UniqueFd>);

void UniqueFd::reset(int fd) noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
}

}  // namespace plenum::base
