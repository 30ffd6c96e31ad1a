#include "base/doorbell.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <plenum/error.hpp>

namespace plenum::base {
namespace {

UniqueFd open_socket() {
    UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd)
        throw EnvironmentError(fmt::format("cannot open a local socket ({}); raise the limit on open files",
                                           std::strerror(errno)));
    return fd;
}

}  // namespace

Doorbell::Doorbell() : socket_(open_socket()) {
    // An address that consists of the family alone asks the kernel for a free abstract name.
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(sa_family_t)) != 0)
        throw EnvironmentError(fmt::format("cannot name a local socket ({})", std::strerror(errno)));
    socklen_t length = sizeof address;
    ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &length);
    auto const name_length = length - offsetof(sockaddr_un, sun_path);
    if (name_length > address_.name.size()) throw EnvironmentError("the kernel's socket name is too long");
    std::memcpy(address_.name.data(), address.sun_path, name_length);
    address_.length = static_cast<std::uint8_t>(name_length);
}

bool Doorbell::drain() noexcept {
    char byte = 0;
    bool rang = false;
    while (::recv(socket_.get(), &byte, 1, 0) >= 0) rang = true;
    return rang;
}

Ringer::Ringer() : socket_(open_socket()) {}

void Ringer::ring(DoorbellAddress const& address) noexcept {
    if (address.length == 0) return;
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::memcpy(to.sun_path, address.name.data(), address.length);
    char const byte = 1;
    // A full queue means that the bell rings already.
    [[maybe_unused]] auto const sent =
        ::sendto(socket_.get(), &byte, 1, 0, reinterpret_cast<sockaddr*>(&to),
                 static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.length));
}

}  // namespace plenum::base
