// The place of a map in the file: its dataset or group, labels and scales. Only for the sources of this
// folder.
#pragma once

#include <span>

#include "hdf5/file.hpp"
#include "hdf5/values.hpp"
#include "io/map_record.hpp"

namespace plenum::hdf5 {

/// The task dimension, then the shape of one result; of a ragged map only the task dimension.
[[nodiscard]] Shape whole_shape(io::MapSpec const& spec);
/// Throws UsageError that names the map if names, scales and shape do not fit together.
void check_map(io::MapSpec const& spec);
/// Creates /results/<map>, without values, and returns where those of a fixed map go (0: nowhere by
/// themselves). Scales lie beside the maps, where readers of the netCDF kind look for coordinates:
/// /results/<scale>, or /results/<map>_<scale> if that name is taken. A scale of the same name, values and
/// units as one of an `earlier` map is that one: readers see that the maps have a dimension in common.
std::uint64_t add_map(File& file, io::MapSpec const& spec, std::span<io::MapRecord const> earlier,
                      Storage const& storage);

}  // namespace plenum::hdf5
