// Where a task runs: what a worker's start-up function and a function for each executor get to know.
#pragma once

#include <string>

namespace plenum {

struct WorkerContext {
    int rank = 0;      ///< whose executor it is
    int node = 0;      ///< of that rank
    int executor = 0;  ///< 0 to the number of executors of the run - 1, numbered node by node
    std::string host;  ///< name of the node

    template <class Archive>
    void serialize(Archive& archive) {
        archive(rank, node, executor, host);
    }
};

}  // namespace plenum
