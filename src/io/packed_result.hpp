// Compressed results: the chunks of a dataset, and single results that were compressed where they were
// computed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <plenum/codec.hpp>
#include <plenum/detail/packing.hpp>
#include <plenum/element.hpp>
#include <span>
#include <vector>

#include "io/map_record.hpp"

namespace plenum::io {

/// Extents of the chunks of a compressed dataset whose first dimension is the task: about 1 MiB. Chunks hold
/// several results where these are small, one where it has 64 KiB or more, and parts of one where it is
/// large. Journals and their readers count on it: another rule needs another journal_version.
[[nodiscard]] Shape chunk_shape(Shape const& shape, std::size_t element_bytes);
/// What HDF5's filters shuffle and deflate make of a chunk. Thread-safe; throws std::bad_alloc.
[[nodiscard]] std::vector<std::byte> packed_chunk(std::span<std::byte const> chunk, std::size_t element_bytes,
                                                  int level);

/// How results of a fixed map are compressed one by one; none where a chunk has several of them.
[[nodiscard]] std::optional<detail::Packing> packing_of(MapSpec const& spec, int level);
/// The most bytes that pack() makes.
[[nodiscard]] std::uint64_t packed_most(detail::Packing const& packing) noexcept;

/// Compresses results one by one; keeps its memory.
class ResultPacker {
public:
    /// Valid until the next call. Throws std::bad_alloc.
    [[nodiscard]] ByteView pack(detail::Packing const& packing, ByteView result);

private:
    std::vector<std::byte> chunk_, shuffled_, packed_;
};

/// A packed result as it lies there.
struct PackedView {
    std::uint32_t crc = 0;           ///< CRC-32C of the result
    std::vector<ByteView> chunks{};  ///< each as HDF5's filters would have made it
};
/// None where the bytes are no packed result.
[[nodiscard]] std::optional<PackedView> view_packed(detail::Packing const& packing, ByteView packed);
/// False where the bytes are no packed result, or not one of this checksum.
[[nodiscard]] bool unpack(detail::Packing const& packing, ByteView packed, std::span<std::byte> result);

/// Reads bytes of the journal.
using ReadJournal = std::function<void(std::uint64_t position, std::span<std::byte> into)>;
/// Calls visit(task, packed) for the packed results among the tasks [first, first + count), in order. Throws
/// FieldError where lengths and bytes do not fit together.
void for_each_packed(MapRecord const& map, std::uint64_t first, std::uint64_t count, ReadJournal const& read,
                     std::function<void(std::uint64_t task, ByteView packed)> const& visit);
/// Puts those into their places among `values`, the results of these tasks. Returns the first task whose
/// bytes are damaged, if any.
[[nodiscard]] std::optional<std::uint64_t> unpack_into(MapRecord const& map, std::uint64_t first,
                                                       std::uint64_t count, ReadJournal const& read,
                                                       std::span<std::byte> values);

}  // namespace plenum::io
