// Starting and ending MPI; communicators of nodes; the shared window. No mpi.h here: callers need none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "comm/session.hpp"

namespace plenum::mpi {

/// True when a launcher (mpirun, srun) started this process as a rank.
[[nodiscard]] bool launched_as_rank() noexcept;

/// The rank that the launcher gave this process, known before MPI starts; 0 without a launcher.
[[nodiscard]] int launched_rank() noexcept;

/// The entry "NAME=value" of the environment that says so; empty without a launcher.
[[nodiscard]] std::string launcher_mark();

/// Collective over MPI_COMM_WORLD: MPI_Init_thread (FUNNELED), node communicators, returning error handlers.
/// Its end is MPI's. Throws UsageError when MPI runs already or has ended.
[[nodiscard]] std::unique_ptr<comm::Session> make_mpi_session();

/// An MPI_Comm of a program that has started MPI itself, as its bytes.
struct ForeignCommunicator {
    std::uint64_t bits = 0;
    std::size_t bytes = 0;
};

/// Local. Throws UsageError unless MPI runs with at least MPI_THREAD_FUNNELED, this is its main thread, and
/// the handle is an intracommunicator.
void require_usable(ForeignCommunicator communicator);

/// Collective over the ranks of `communicator`, which stays as it is: the session works on duplicates, and
/// its end frees them and nothing else.
[[nodiscard]] std::unique_ptr<comm::Session> make_mpi_session(ForeignCommunicator communicator);

}  // namespace plenum::mpi
