// What a test of tests/cluster needs to see: how MPI splits the ranks into nodes, and a chosen exit status.
//   probe NODES RANKS [STATUS]: exit 9 unless there are so many nodes and ranks and memory and messages work.
#include <mpi.h>

#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
    if (argc < 3) return 2;
    MPI_Init(&argc, &argv);
    int rank = 0;
    int ranks = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);

    MPI_Comm node = MPI_COMM_NULL;
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
    int node_rank = 0;
    int node_ranks = 0;
    MPI_Comm_rank(node, &node_rank);
    MPI_Comm_size(node, &node_ranks);
    int const leads = node_rank == 0 ? 1 : 0;
    int nodes = 0;
    MPI_Allreduce(&leads, &nodes, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);

    // All ranks write their leader's rank: a mix-up of the nodes' memory shows as a foreign leader.
    int leader = rank;
    MPI_Bcast(&leader, 1, MPI_INT, 0, node);
    MPI_Win window = MPI_WIN_NULL;
    int* slot = nullptr;
    MPI_Win_allocate_shared(sizeof(int), sizeof(int), MPI_INFO_NULL, node, static_cast<void*>(&slot),
                            &window);
    MPI_Win_fence(0, window);
    *slot = leader;
    MPI_Win_fence(0, window);
    MPI_Barrier(MPI_COMM_WORLD);
    int wrong = 0;
    for (int other = 0; other < node_ranks; ++other) {
        MPI_Aint bytes = 0;
        int unit = 0;
        int const* theirs = nullptr;
        MPI_Win_shared_query(window, other, &bytes, &unit, static_cast<void*>(&theirs));
        wrong += *theirs != leader ? 1 : 0;
    }
    MPI_Win_fence(0, window);
    MPI_Win_free(&window);

    int const next = (rank + 1) % ranks;
    int const previous = (rank + ranks - 1) % ranks;
    int got = -1;
    MPI_Sendrecv(&rank, 1, MPI_INT, next, 0, &got, 1, MPI_INT, previous, 0, MPI_COMM_WORLD,
                 MPI_STATUS_IGNORE);
    wrong += got != previous ? 1 : 0;
    MPI_Allreduce(MPI_IN_PLACE, &wrong, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    MPI_Finalize();

    char const* name = std::getenv("PLENUM_EMULATED_NODE");
    std::printf("rank %d of %d, node %s with %d ranks, %d nodes, %d wrong\n", rank, ranks, name ? name : "-",
                node_ranks, nodes, wrong);
    if (nodes != std::atoi(argv[1]) || ranks != std::atoi(argv[2]) || wrong != 0) return 9;
    return argc > 3 ? std::atoi(argv[3]) : 0;
}
