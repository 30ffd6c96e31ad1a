// The example of docs/guide.md of a program that has started MPI itself; checks what it computes.
#include <mpi.h>

#include <plenum/plenum.hpp>

int main(int argc, char** argv) {
    double sum = 0;
    // [example: inside-mpi]
    int provided = 0;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
    int const code = plenum::run(MPI_COMM_WORLD, [&](plenum::Pool& pool) {  // the body runs on rank 0
        for (auto const x :
             pool.map([](std::uint64_t i) { return 0.5 * static_cast<double>(i); }, plenum::indices(9)))
            sum += x;
    });
    MPI_Bcast(&sum, 1, MPI_DOUBLE, 0, MPI_COMM_WORLD);  // every rank goes on
    // [end]
    MPI_Finalize();
    return code == 0 && sum == 18 ? 0 : 1;
}
