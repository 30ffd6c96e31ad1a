// Results of different lengths as two datasets (compressed sparse rows).
#include <algorithm>
#include <array>
#include <future>

#include "base/beside.hpp"
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

/// Where values are read to, and a dataset that takes them from there.
class DatasetValues {
public:
    explicit DatasetValues(DatasetWriter& writer) : writer_(writer), block_(std::size_t{1} << 20) {}

    /// Room for more, at most `bytes`.
    std::span<std::byte> room(std::uint64_t bytes) {
        return std::span(block_).first(std::min<std::uint64_t>(block_.size(), bytes));
    }
    /// The room that was given last is full.
    void take(std::span<std::byte const> values) { writer_.append(values); }

private:
    DatasetWriter& writer_;
    std::vector<std::byte> block_;
};

/// The same for large writes straight to their place in the partial file: past HDF5 and, where that can be,
/// past the page cache. While one buffer is on its way to the disk the other one is filled.
class PlacedValues {
public:
    PlacedValues(io::PartialFile& partial, std::uint64_t offset, std::uint64_t bytes)
        : partial_(partial), offset_(offset), most_bytes_(std::min(bytes, most_bytes)) {
        // In memory and in the file at places that agree modulo the unit of direct writes.
        for (auto& buffer : buffers_) {
            buffer.memory.resize(most_bytes_ + io::direct_unit);
            auto const address = reinterpret_cast<std::uintptr_t>(buffer.memory.data());
            buffer.begin = buffer.memory.data() + (offset - address) % io::direct_unit;
        }
    }

    std::span<std::byte> room(std::uint64_t bytes) {
        return {buffers_[current_].begin + filled_, std::min<std::uint64_t>(bytes, most_bytes_ - filled_)};
    }
    void take(std::span<std::byte const> values) {
        filled_ += values.size();
        if (filled_ == most_bytes_) flush();
    }
    /// Waits until all is written.
    void finish() {
        flush();
        if (writing_.valid()) writing_.get();
    }

private:
    static constexpr std::uint64_t most_bytes = std::uint64_t{8} << 20;

    void flush() {
        if (writing_.valid()) writing_.get();
        if (filled_ == 0) return;
        std::span<std::byte const> const full(buffers_[current_].begin, filled_);
        writing_ = base::beside([this, full, offset = offset_] { partial_.write_at(offset, full); });
        offset_ += filled_;
        filled_ = 0;
        current_ = 1 - current_;
    }

    struct Buffer {
        std::vector<std::byte> memory;
        std::byte* begin = nullptr;
    };

    io::PartialFile& partial_;
    std::uint64_t offset_;
    std::uint64_t most_bytes_;  // of a buffer
    std::array<Buffer, 2> buffers_;
    std::size_t current_ = 0;
    std::size_t filled_ = 0;
    std::future<void> writing_;  // the other buffer; last: its end waits for the write
};

/// Gives `to` all values in task order.
template <class Values>
std::vector<io::Segment> read_values(std::vector<io::RaggedPiece> const& pieces, io::Journal& journal,
                                     Values& to) {
    std::vector<io::Segment> segments;
    for (auto const& piece : pieces) {
        io::Segment segment{.first = piece.first, .count = piece.count, .crc = 0};
        for (std::uint64_t at = 0; at < piece.bytes;) {
            auto const part = to.room(piece.bytes - at);
            journal.read(piece.position + piece.count * sizeof(std::uint64_t) + at, part);
            segment.crc = base::crc32c(part, segment.crc);
            to.take(part);
            at += part.size();
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
        PlacedValues placed(partial, call::d_offset(values), offset * size_of(map.spec.type));
        segments = read_values(pieces, journal, placed);
        placed.finish();
        write_units(values, map.spec.units);
    } else {
        DatasetWriter values(group, "values", map.spec.type, offset, storage);
        DatasetValues through(values);
        segments = read_values(pieces, journal, through);
        write_units(values.finish(), map.spec.units);
    }
    return segments;
}

}  // namespace plenum::hdf5
