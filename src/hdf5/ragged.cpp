// Results of different lengths as two datasets (compressed sparse rows).
#include <algorithm>

#include "base/crc32c.hpp"
#include "hdf5/dataset_writer.hpp"
#include "hdf5/tables.hpp"
#include "hdf5/values.hpp"

namespace plenum::hdf5 {
namespace {

std::vector<std::uint64_t> lengths_of(io::RaggedPiece const& piece, io::Journal& journal) {
    std::vector<std::uint64_t> lengths(piece.count);
    journal.read(piece.position, std::as_writable_bytes(std::span(lengths)));
    return lengths;
}

}  // namespace

std::vector<io::Segment> write_ragged(File& file, io::MapRecord const& map, io::Journal& journal,
                                      Storage storage) {
    auto const group = require_group(file, "/results/" + map.spec.name);
    auto pieces = map.pieces;
    std::ranges::sort(pieces, {}, &io::RaggedPiece::first);

    DatasetWriter offsets(group, "offsets", ElementType::u64, map.spec.tasks + 1, storage);
    std::uint64_t offset = 0;
    std::uint64_t task = 0;
    std::uint32_t crc = 0;
    auto const append = [&](std::uint64_t value) {
        crc = base::crc32c(std::as_bytes(std::span(&value, 1)), crc);
        offsets.append(value);
    };
    append(offset);
    for (auto const& piece : pieces) {
        for (; task < piece.first; ++task) append(offset);
        for (auto const length : lengths_of(piece, journal)) append(offset += length);
        task += piece.count;
    }
    for (; task < map.spec.tasks; ++task) append(offset);
    auto const written = offsets.finish();
    write_attribute(written,
                    {"meaning", std::string("result of task i: values[offsets[i]] up to, not including, "
                                            "values[offsets[i + 1]]")});
    write_attribute(written, {"crc32c", std::int64_t{crc}});

    std::vector<io::Segment> segments;
    DatasetWriter values(group, "values", map.spec.type, offset, storage);
    std::vector<std::byte> block(std::size_t{1} << 20);
    for (auto const& piece : pieces) {
        io::Segment segment{.first = piece.first, .count = piece.count, .crc = 0};
        for (std::uint64_t at = 0; at < piece.bytes; at += block.size()) {
            auto const part = std::span(block).first(std::min<std::uint64_t>(block.size(), piece.bytes - at));
            journal.read(piece.position + piece.count * sizeof(std::uint64_t) + at, part);
            segment.crc = base::crc32c(part, segment.crc);
            values.append(part);
        }
        segments.push_back(segment);
    }
    write_units(values.finish(), map.spec.units);
    return segments;
}

}  // namespace plenum::hdf5
