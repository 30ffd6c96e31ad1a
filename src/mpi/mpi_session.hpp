// Starting and ending MPI; communicators of nodes; the shared window. No mpi.h here: callers need none.
#pragma once

#include <memory>

#include "comm/session.hpp"

namespace plenum::mpi {

/// True when a launcher (mpirun, srun) started this process as a rank.
[[nodiscard]] bool launched_as_rank() noexcept;

/// The rank that the launcher gave this process, known before MPI starts; 0 without a launcher.
[[nodiscard]] int launched_rank() noexcept;

/// Collective over MPI_COMM_WORLD: MPI_Init_thread (FUNNELED), node communicators, returning error handlers.
[[nodiscard]] std::unique_ptr<comm::Session> make_mpi_session();

}  // namespace plenum::mpi
