// Results of different lengths as two datasets (compressed sparse rows).
#include <algorithm>

#include "hdf5/dataset_writer.hpp"
#include "hdf5/tables.hpp"
#include "hdf5/values.hpp"

namespace plenum::hdf5 {

void write_ragged(File& file, MapRecord& map) {
    auto const group = require_group(file, "/results/" + map.spec.name);
    auto const& pieces = map.ragged.in_task_order();

    DatasetWriter offsets(group, "offsets", ElementType::u64, map.spec.tasks + 1);
    std::uint64_t offset = 0;
    std::uint64_t task = 0;
    offsets.append(offset);
    for (auto const& piece : pieces) {
        for (; task < piece.first; ++task) offsets.append(offset);
        for (auto const length : map.ragged.lengths(piece)) offsets.append(offset += length);
        task += piece.count;
    }
    for (; task < map.spec.tasks; ++task) offsets.append(offset);
    write_attribute(offsets.finish(),
                    {"meaning", std::string("result of task i: values[offsets[i]] up to, not including, "
                                            "values[offsets[i + 1]]")});

    DatasetWriter values(group, "values", map.spec.type, offset);
    std::vector<std::byte> block(std::size_t{1} << 20);
    for (auto const& piece : pieces) {
        for (std::uint64_t at = 0; at < piece.bytes; at += block.size()) {
            auto const part = std::span(block).first(std::min<std::uint64_t>(block.size(), piece.bytes - at));
            map.ragged.values(piece, at, part);
            values.append(part);
        }
    }
    write_units(values.finish(), map.spec.units);
}

}  // namespace plenum::hdf5
