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

/// Joins pieces to large writes straight to their place in the partial file: past HDF5 and, where that can
/// be, past the page cache.
class PlacedWriter {
public:
    PlacedWriter(io::PartialFile& partial, std::uint64_t offset)
        : partial_(partial), offset_(offset), memory_(most_bytes + io::direct_unit) {
        auto const address = reinterpret_cast<std::uintptr_t>(memory_.data());
        begin_ = memory_.data() + (offset - address) % io::direct_unit;
    }

    void append(std::span<std::byte const> values) {
        while (!values.empty()) {
            auto const part = values.first(std::min(values.size(), most_bytes - filled_));
            std::ranges::copy(part, begin_ + filled_);
            filled_ += part.size();
            values = values.subspan(part.size());
            if (filled_ == most_bytes) flush();
        }
    }
    void flush() {
        if (filled_ == 0) return;
        partial_.write_at(offset_, {begin_, filled_});
        offset_ += filled_;
        filled_ = 0;
    }

private:
    static constexpr std::size_t most_bytes = std::size_t{8} << 20;

    io::PartialFile& partial_;
    std::uint64_t offset_;
    std::vector<std::byte> memory_;
    std::byte* begin_;
    std::size_t filled_ = 0;
};

/// Calls `take` with all values in task order.
template <class Take>
std::vector<io::Segment> read_values(std::vector<io::RaggedPiece> const& pieces, io::Journal& journal,
                                     Take const& take) {
    std::vector<io::Segment> segments;
    std::vector<std::byte> block(std::size_t{1} << 20);
    for (auto const& piece : pieces) {
        io::Segment segment{.first = piece.first, .count = piece.count, .crc = 0};
        for (std::uint64_t at = 0; at < piece.bytes; at += block.size()) {
            auto const part = std::span(block).first(std::min<std::uint64_t>(block.size(), piece.bytes - at));
            journal.read(piece.position + piece.count * sizeof(std::uint64_t) + at, part);
            segment.crc = base::crc32c(part, segment.crc);
            take(part);
        }
        segments.push_back(segment);
    }
    return segments;
}

}  // namespace

std::vector<io::Segment> write_ragged(File& file, io::MapRecord const& map, io::Journal& journal,
                                      io::PartialFile& partial, Storage const& storage) {
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
    if (storage.gzip == 0 && offset > 0) {  // `file` is the partial file
        auto const values = create_dataset(group, "values", map.spec.type, {offset}, storage);
        PlacedWriter writer(partial, call::d_offset(values));
        segments = read_values(pieces, journal, [&](auto part) { writer.append(part); });
        writer.flush();
        write_units(values, map.spec.units);
    } else {
        DatasetWriter values(group, "values", map.spec.type, offset, storage);
        segments = read_values(pieces, journal, [&](auto part) { values.append(part); });
        write_units(values.finish(), map.spec.units);
    }
    return segments;
}

}  // namespace plenum::hdf5
