// MPI calls inside tasks are refused: this program's MPI functions check where they are called (a few ns) and go
// on to the library through its profiling interface. A task that calls one fails with a UsageError that names
// it.
#pragma once

namespace plenum::mpi {

/// Does nothing; whoever refers to it makes the linker take the checking functions, wherever MPI stands among
/// the libraries of a program.
void guard_tasks() noexcept;

}  // namespace plenum::mpi
