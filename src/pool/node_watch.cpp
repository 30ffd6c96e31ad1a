#include "pool/node_watch.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace plenum::pool {
namespace {

constexpr std::uint64_t second = 1'000'000'000;
/// Longer than any pause between two looks of a process that runs.
constexpr std::uint64_t own_pause_ns = 2 * second;

std::string in_seconds(std::uint64_t ns) {
    return fmt::format("{} s", (ns + second / 2) / second);
}

}  // namespace

NodeWatch::NodeWatch(comm::Topology const& topology, std::uint64_t limit_ns, std::uint64_t now_ns)
    : topology_(topology),
      limit_ns_(limit_ns),
      looked_ns_(now_ns),
      nodes_(static_cast<std::size_t>(topology.nodes), Node{.heard_ns = now_ns}) {}

std::uint64_t NodeWatch::pulse_ns(std::uint64_t limit_ns) noexcept {
    return limit_ns == 0 ? UINT64_MAX : std::min(limit_ns / 4, 5 * second);
}

void NodeWatch::heard(int rank, std::uint64_t now_ns) noexcept {
    nodes_[static_cast<std::size_t>(topology_.node_of[static_cast<std::size_t>(rank)])].heard_ns = now_ns;
}

std::vector<std::string> NodeWatch::look(std::uint64_t now_ns) {
    std::vector<std::string> lines;
    if (now_ns - looked_ns_ > own_pause_ns)
        for (auto& node : nodes_) node.heard_ns = std::min(now_ns, node.heard_ns + (now_ns - looked_ns_));
    looked_ns_ = now_ns;
    if (limit_ns_ == 0) return lines;
    for (std::size_t id = 0; id < nodes_.size(); ++id) {
        if (static_cast<int>(id) == topology_.node) continue;
        auto& node = nodes_[id];
        auto const silence = now_ns > node.heard_ns ? now_ns - node.heard_ns : 0;
        if ((silence > limit_ns_) == node.is_silent) continue;
        node.is_silent = !node.is_silent;
        lines.push_back(node.is_silent
                            ? fmt::format("nothing was heard of {} for {}: it is stopped, swapping, cut off "
                                          "or at work on a huge array; the run waits "
                                          "for it, and --time-limit ends a run in time",
                                          name(id), in_seconds(silence))
                            : fmt::format("{} is back", name(id)));
    }
    return lines;
}

std::string NodeWatch::name(std::size_t node) const {
    auto const leader = topology_.leaders[node];
    return fmt::format("node {} (rank {})", topology_.hosts[static_cast<std::size_t>(leader)], leader);
}

}  // namespace plenum::pool
