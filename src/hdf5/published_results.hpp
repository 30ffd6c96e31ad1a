// Results of a published file, taken over by a run that computes what it lacks.
#pragma once

#include <string>

#include "io/result_sink.hpp"

namespace plenum::hdf5 {

/// What a map is beside its name, as a line of digits: maps of one fingerprint may exchange results.
[[nodiscard]] std::string map_fingerprint(io::MapSpec const& spec);

/// Puts the results of the map, and its failures, from the file at `path` into `sink`, where they count as
/// those of an earlier process. Results whose checksum is wrong are left out. Nothing happens when the file
/// has no such map. Throws UsageError when it has one that differs, EnvironmentError when it cannot be read.
void take_results(std::string const& path, io::MapSpec const& spec, io::MapId map, io::ResultSink& sink);

}  // namespace plenum::hdf5
