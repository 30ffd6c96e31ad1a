// What a child process prints: the pipes that it writes to, and their reader in the rank's process.
#pragma once

#include <poll.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"
#include "pool/node_layout.hpp"
#include "pool/output_marker.hpp"
#include "pool/output_reader.hpp"

namespace plenum::pool {

class CapturedOutput {
public:
    /// `emit` gets whole lines, whose they are, and whether they came through standard error.
    using Emit = std::function<void(wire::TaskRange who, bool error, std::string text)>;
    /// Throws EnvironmentError when the system has no descriptors left.
    CapturedOutput(Emit const& emit, std::array<OutputTaken, 2>& taken);

    [[nodiscard]] OutputPipes write_ends() const noexcept {
        return {pipes_[0].write_end.get(), pipes_[1].write_end.get()};
    }
    /// Reads what is there. `running` says who prints at that moment, where that is known.
    void read(std::function<std::optional<std::uint64_t>()> const& running);
    /// The child has ended while `current` ran: what carries no mark is its own.
    void finish(std::uint64_t current);
    void add_poll(std::vector<pollfd>& fds) const;

private:
    struct Pipe {
        base::UniqueFd read_end, write_end;
    };
    std::array<OutputTaken, 2>& taken_;
    std::array<Pipe, 2> pipes_;
    std::array<std::unique_ptr<OutputReader>, 2> readers_;
};

}  // namespace plenum::pool
