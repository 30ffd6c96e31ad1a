// Wakes a process that sleeps in poll: an abstract local socket, so that nothing is left behind after any
// exit.
#pragma once

#include <array>
#include <cstdint>

#include "base/unique_fd.hpp"

namespace plenum::base {

/// Where a doorbell hangs; plain bytes, so that it can lie in shared memory.
struct DoorbellAddress {
    std::array<char, 15> name{};
    std::uint8_t length = 0;  ///< 0: no bell
};

/// The bell of one process. Any process of the node that knows the address can ring it.
class Doorbell {
public:
    /// Throws EnvironmentError when the system has no sockets left.
    Doorbell();
    /// For poll(): readable when somebody rang.
    [[nodiscard]] int fd() const noexcept { return socket_.get(); }
    [[nodiscard]] DoorbellAddress address() const noexcept { return address_; }
    /// Forgets all rings so far. True: there were some.
    bool drain() noexcept;

private:
    UniqueFd socket_;
    DoorbellAddress address_;
};

/// Rings doorbells. About 1 us a ring; never blocks; a ring that finds nobody is dropped.
class Ringer {
public:
    Ringer();
    void ring(DoorbellAddress const& address) noexcept;
    [[nodiscard]] int fd() const noexcept { return socket_.get(); }

private:
    UniqueFd socket_;
};

}  // namespace plenum::base
