// Who is where: ranks, nodes (groups of ranks that share memory) and their leaders.
#pragma once

#include <string>
#include <vector>

namespace plenum::comm {

struct Topology {
    int rank = 0, ranks = 1;            ///< in the whole program
    int node = 0, nodes = 1;            ///< nodes are numbered by their lowest rank
    int node_rank = 0, node_ranks = 1;  ///< among the ranks of this node
    std::vector<int> leaders{0};        ///< rank of the first rank of each node
    std::vector<int> node_of{0};        ///< node of each rank
    std::vector<std::string> hosts;     ///< host name of each rank

    [[nodiscard]] bool leads() const noexcept { return node_rank == 0; }
    [[nodiscard]] int leader() const { return leaders[static_cast<std::size_t>(node)]; }
    [[nodiscard]] int ranks_on(int which) const {
        int count = 0;
        for (int const n : node_of) count += n == which ? 1 : 0;
        return count;
    }
};

}  // namespace plenum::comm
