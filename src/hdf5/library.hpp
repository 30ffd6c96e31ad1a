// The HDF5 library as a whole.
#pragma once

namespace plenum::hdf5 {

/// Starts the HDF5 library now rather than at the first use. A parallel build of HDF5 makes MPI calls at its
/// start, so this belongs on the main thread, before any other process or thread is started. HDF5 then does
/// not clean up at the end of the program: files that the program itself opens with HDF5 must be closed by
/// it. Throws EnvironmentError.
void open_library();

}  // namespace plenum::hdf5
