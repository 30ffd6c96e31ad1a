// What lies where in a partial file, and what of it is sound.
#pragma once

#include <vector>

#include "io/journal.hpp"
#include "io/journal_records.hpp"
#include "io/map_record.hpp"
#include "io/partial_file.hpp"
#include "io/result_sink.hpp"

namespace plenum::io {

/// The places of results and arrays, which HDF5 does not change once they are there.
[[nodiscard]] std::vector<PartialFile::Range> data_ranges(std::vector<MapRecord> const& maps,
                                                          std::vector<ArrayRecord> const& arrays);
/// Takes results whose bytes are not those that were committed out of the map, and tells the journal. Reads
/// all of them. Returns how many.
std::uint64_t discard_damaged(MapRecord& map, std::uint32_t number, PartialFile const& partial,
                              Journal& journal);
[[nodiscard]] std::uint64_t bytes_of(Shape const& shape, ElementType type);
/// Of the file as it is now, with these results and arrays in it.
[[nodiscard]] LayoutRecord layout_of(PartialFile const& partial, std::vector<PartialFile::Range> data);
[[nodiscard]] EarlierResults earlier_results(MapRecord const& map);

}  // namespace plenum::io
