// Rank 0 notices nodes of which it has not heard for long.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "comm/topology.hpp"

namespace plenum::pool {

/// Leaders that have nothing to say send a wire::Pulse now and then: whoever is silent for longer stands
/// still or is cut off. Times are those of base::now_ns().
class NodeWatch {
public:
    /// `limit_ns`: silence that is worth a word; 0: none is.
    NodeWatch(comm::Topology const& topology, std::uint64_t limit_ns, std::uint64_t now_ns);

    /// How often a leader has to send something.
    [[nodiscard]] static std::uint64_t pulse_ns(std::uint64_t limit_ns) noexcept;

    /// A message of `rank` has come.
    void heard(int rank, std::uint64_t now_ns) noexcept;
    /// Lines for the user: which nodes have fallen silent, and which are back. To be called all the time:
    /// after a pause in which this process itself stood still nobody has been silent.
    [[nodiscard]] std::vector<std::string> look(std::uint64_t now_ns);

private:
    struct Node {
        std::uint64_t heard_ns = 0;
        bool is_silent = false;
    };
    [[nodiscard]] std::string name(std::size_t node) const;

    comm::Topology const& topology_;
    std::uint64_t limit_ns_;
    std::uint64_t looked_ns_;
    std::vector<Node> nodes_;
};

}  // namespace plenum::pool
