// What a published file tells of its run, but for times and results. Only for the sources of this folder.
#pragma once

#include "hdf5/file.hpp"
#include "io/run_reader.hpp"

namespace plenum::hdf5 {

/// Identity, processes, options, maps with what is done and failed, arrays, ranks, and what tasks printed;
/// state and names are left to the caller. Throws CallError or io::FieldError where the file is damaged.
[[nodiscard]] io::StoredRun read_record(File const& file);

}  // namespace plenum::hdf5
