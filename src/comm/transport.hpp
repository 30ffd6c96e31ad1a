// Messages between ranks: two-sided, ordered for each pair, never blocking.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wire/messages.hpp"

namespace plenum::comm {

struct Incoming {
    int source = 0;
    wire::Message message;
};

class Transport {
public:
    Transport() = default;
    Transport(Transport const&) = delete;
    Transport& operator=(Transport const&) = delete;
    virtual ~Transport() = default;

    [[nodiscard]] virtual int rank() const noexcept = 0;
    [[nodiscard]] virtual int ranks() const noexcept = 0;

    /// Local, returns at once. The payload's owner is let go when the bytes are no longer needed. A message
    /// to the own rank is not encoded. Messages from one rank to another arrive in the order of sending.
    virtual void send(int to, wire::Message message) = 0;
    /// The next message that has arrived whole, if any. Local; makes progress on sends and receives.
    [[nodiscard]] virtual std::optional<Incoming> receive() = 0;
    /// receive() has a message without waiting for anybody: from this rank to itself.
    [[nodiscard]] virtual bool ready() const noexcept = 0;
    /// Sends and receives that are under way and need further calls of receive() to end.
    [[nodiscard]] virtual bool busy() const noexcept = 0;

    /// Collective, blocking: one text of each rank, in the order of ranks. For the start of the program.
    [[nodiscard]] virtual std::vector<std::string> exchange(std::string_view mine) = 0;
    /// Collective, blocking but sleeping. For the end of the program.
    virtual void barrier() = 0;
};

}  // namespace plenum::comm
