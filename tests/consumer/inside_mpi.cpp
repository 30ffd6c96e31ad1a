// A program that starts MPI itself. Its tasks may not call MPI; what they load comes through the opt-in headers.
#include <mpi.h>

#include <cstdio>
#include <plenum/hdf5.hpp>
#include <plenum/image.hpp>
#include <plenum/plenum.hpp>
#include <string>

namespace {

template <class Load>
std::string refusal_of(Load&& load) {
    try {
        load();
    } catch (plenum::EnvironmentError const& error) {
        return error.what();
    }
    return "nothing";
}

}  // namespace

int main(int argc, char** argv) {
    int provided = 0;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
    int const code = plenum::run(MPI_COMM_WORLD, [](plenum::Pool& pool) {
        auto const results = pool.map(
            [](std::uint64_t i) {
                if (i == 1) MPI_Barrier(MPI_COMM_WORLD);
                return i;
            },
            plenum::indices(3), {.on_failure = plenum::OnFailure::collect});
        for (auto const& failure : results.failures()) std::printf("%s\n", failure.message.c_str());
        std::printf("%s\n", refusal_of([] { (void)plenum::load_image("none.png"); }).c_str());
        std::printf("%s\n", refusal_of([] { (void)plenum::load_hdf5<float>("none.h5", "a"); }).c_str());
        return 0;
    });
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Finalize();
    return code;
}
