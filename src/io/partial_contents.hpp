// What lies where in a partial file, and what of it is sound.
#pragma once

#include <vector>

#include "io/journal_records.hpp"
#include "io/map_record.hpp"
#include "io/partial_file.hpp"
#include "io/result_sink.hpp"

namespace plenum::io {

/// The places of results and arrays, which HDF5 does not change once they are there.
[[nodiscard]] std::vector<PartialFile::Range> data_ranges(std::vector<MapRecord> const& maps,
                                                          std::vector<ArrayRecord> const& arrays);
/// Segments whose bytes are not those that were committed. Reads all of them.
[[nodiscard]] std::vector<Segment> damaged_segments(MapRecord const& map, PartialFile const& partial);
[[nodiscard]] EarlierResults earlier_results(MapRecord const& map);

}  // namespace plenum::io
