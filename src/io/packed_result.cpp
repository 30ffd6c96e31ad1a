#include "io/packed_result.hpp"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <numeric>

#include "base/crc32c.hpp"
#include "io/fields.hpp"

namespace plenum::io {
namespace {

constexpr std::uint64_t chunk_most = std::uint64_t{1} << 20;
constexpr std::uint64_t own_chunk_least = std::uint64_t{64} << 10;

/// The first bytes of all elements, then the second ones, and so on.
template <std::size_t size>
void shuffle(std::span<std::byte const> from, std::byte* to) {
    auto const count = from.size() / size;
    for (std::size_t byte = 0; byte < size; ++byte)
        for (std::size_t i = 0; i < count; ++i) to[byte * count + i] = from[i * size + byte];
}

template <std::size_t size>
void unshuffle(std::span<std::byte const> from, std::byte* to) {
    auto const count = from.size() / size;
    for (std::size_t byte = 0; byte < size; ++byte)
        for (std::size_t i = 0; i < count; ++i) to[i * size + byte] = from[byte * count + i];
}

/// Appends the chunk, shuffled and deflated. Returns how many bytes that are.
std::uint64_t append_packed(std::span<std::byte const> chunk, std::size_t element_bytes, int level,
                            std::vector<std::byte>& shuffled, std::vector<std::byte>& packed) {
    if (element_bytes > 1) {
        shuffled.resize(chunk.size());
        if (element_bytes == 2) shuffle<2>(chunk, shuffled.data());
        if (element_bytes == 4) shuffle<4>(chunk, shuffled.data());
        if (element_bytes == 8) shuffle<8>(chunk, shuffled.data());
        chunk = shuffled;
    }
    auto const at = packed.size();
    packed.resize(at + ::compressBound(chunk.size()));
    uLongf size = packed.size() - at;
    // It can only fail for want of memory: the buffer is large enough for anything.
    if (::compress2(reinterpret_cast<Bytef*>(packed.data() + at), &size,
                    reinterpret_cast<Bytef const*>(chunk.data()), chunk.size(), level) != Z_OK)
        throw std::bad_alloc();
    packed.resize(at + size);
    return size;
}

/// Calls use(offset, bytes) for each chunk of a result.
template <class Use>
void for_each_chunk(detail::Packing const& packing, Use&& use) {
    for (std::uint64_t row = 0; row < packing.result_bytes; row += packing.row_bytes)
        for (std::uint64_t at = 0; at < packing.row_bytes; at += packing.chunk_bytes)
            use(row + at, std::min(packing.chunk_bytes, packing.row_bytes - at));
}

std::uint64_t chunks_of(detail::Packing const& packing) noexcept {
    return packing.result_bytes / packing.row_bytes *
           ((packing.row_bytes + packing.chunk_bytes - 1) / packing.chunk_bytes);
}

template <class T>
void append(std::vector<std::byte>& bytes, T value) {
    auto const at = bytes.size();
    bytes.resize(at + sizeof value);
    std::memcpy(bytes.data() + at, &value, sizeof value);
}

}  // namespace

Shape chunk_shape(Shape const& shape, std::size_t element_bytes) {
    auto chunk = shape;
    auto behind = static_cast<std::uint64_t>(element_bytes);  // bytes of one step along the dimension
    for (auto i = chunk.size(); i-- > 0;) {
        bool const own = i == 0 && shape.size() > 1 && behind >= own_chunk_least;
        chunk[i] = own ? 1 : std::clamp<std::uint64_t>(chunk_most / behind, 1, chunk[i]);
        behind *= chunk[i];
    }
    return chunk;
}

std::vector<std::byte> packed_chunk(std::span<std::byte const> chunk, std::size_t element_bytes, int level) {
    std::vector<std::byte> shuffled, packed;
    append_packed(chunk, element_bytes, level, shuffled, packed);
    return packed;
}

std::optional<detail::Packing> packing_of(MapSpec const& spec, int level) {
    auto const element = size_of(spec.type);
    auto const result_bytes = spec.fixed ? count_of(spec.shape) * element : 0;
    if (level == 0 || result_bytes < own_chunk_least) return std::nullopt;
    auto shape = spec.shape;
    shape.insert(shape.begin(), spec.tasks);
    auto const chunk = chunk_shape(shape, element);
    // Chunks have one step in the dimensions before the one that is cut, and all of the dimensions behind.
    std::size_t cut = 1;
    while (cut + 1 < chunk.size() && chunk[cut] == 1) ++cut;
    auto const step = std::accumulate(shape.begin() + static_cast<std::ptrdiff_t>(cut) + 1, shape.end(),
                                      std::uint64_t{element}, std::multiplies<>());
    return detail::Packing{.level = level,
                           .element_bytes = static_cast<std::uint32_t>(element),
                           .result_bytes = result_bytes,
                           .row_bytes = shape[cut] * step,
                           .chunk_bytes = chunk[cut] * step};
}

std::uint64_t packed_most(detail::Packing const& packing) noexcept {
    return sizeof(std::uint32_t) +
           chunks_of(packing) * (sizeof(std::uint32_t) + ::compressBound(packing.chunk_bytes));
}

ByteView ResultPacker::pack(detail::Packing const& packing, ByteView result) {
    packed_.clear();
    append(packed_, base::crc32c(result));
    for_each_chunk(packing, [&](std::uint64_t at, std::uint64_t bytes) {
        auto chunk = result.subspan(at, bytes);
        if (bytes < packing.chunk_bytes) {  // it is whole in the file
            chunk_.assign(chunk.begin(), chunk.end());
            chunk_.resize(packing.chunk_bytes);
            chunk = chunk_;
        }
        auto const place = packed_.size();
        append(packed_, std::uint32_t{0});
        auto const size = static_cast<std::uint32_t>(
            append_packed(chunk, packing.element_bytes, packing.level, shuffled_, packed_));
        std::memcpy(packed_.data() + place, &size, sizeof size);
    });
    return packed_;
}

std::optional<PackedView> view_packed(detail::Packing const& packing, ByteView packed) {
    PackedView view;
    auto const take = [&](std::uint32_t& value) {
        if (packed.size() < sizeof value) return false;
        std::memcpy(&value, packed.data(), sizeof value);
        packed = packed.subspan(sizeof value);
        return true;
    };
    if (!take(view.crc)) return std::nullopt;
    for (auto left = chunks_of(packing); left > 0; --left) {
        std::uint32_t size = 0;
        if (!take(size) || packed.size() < size) return std::nullopt;
        view.chunks.push_back(packed.first(size));
        packed = packed.subspan(size);
    }
    if (!packed.empty()) return std::nullopt;
    return view;
}

bool unpack(detail::Packing const& packing, ByteView packed, std::span<std::byte> result) {
    auto const view = view_packed(packing, packed);
    if (!view || result.size() != packing.result_bytes) return false;
    std::vector<std::byte> inflated(packing.chunk_bytes), chunk(packing.chunk_bytes);
    bool sound = true;
    auto next = view->chunks.begin();
    for_each_chunk(packing, [&](std::uint64_t at, std::uint64_t bytes) {
        uLongf size = inflated.size();
        sound = sound &&
                ::uncompress(reinterpret_cast<Bytef*>(inflated.data()), &size,
                             reinterpret_cast<Bytef const*>(next->data()), next->size()) == Z_OK &&
                size == inflated.size();
        ++next;
        if (!sound) return;
        if (packing.element_bytes == 2) unshuffle<2>(inflated, chunk.data());
        if (packing.element_bytes == 4) unshuffle<4>(inflated, chunk.data());
        if (packing.element_bytes == 8) unshuffle<8>(inflated, chunk.data());
        auto const& values = packing.element_bytes == 1 ? inflated : chunk;
        std::memcpy(result.data() + at, values.data(), bytes);
    });
    return sound && base::crc32c(result) == view->crc;
}

void for_each_packed(MapRecord const& map, std::uint64_t first, std::uint64_t count, ReadJournal const& read,
                     std::function<void(std::uint64_t task, ByteView packed)> const& visit) {
    auto piece = map.packed.upper_bound(first);
    if (piece != map.packed.begin()) --piece;
    std::vector<std::uint64_t> lengths;
    std::vector<std::byte> bytes;
    for (; piece != map.packed.end() && piece->first < first + count; ++piece) {
        auto const& [begin, all] = *piece;
        lengths.resize(all.count);
        read(all.position, std::as_writable_bytes(std::span(lengths)));
        auto at = all.position + all.count * sizeof(std::uint64_t);
        auto left = all.bytes;
        for (std::uint64_t i = 0; i < all.count; ++i) {
            if (lengths[i] > left) throw FieldError();
            left -= lengths[i];
            if (begin + i >= first && begin + i < first + count) {
                bytes.resize(lengths[i]);
                read(at, bytes);
                visit(begin + i, bytes);
            }
            at += lengths[i];
        }
        if (left != 0) throw FieldError();
    }
}

std::optional<std::uint64_t> unpack_into(MapRecord const& map, std::uint64_t first, std::uint64_t count,
                                         ReadJournal const& read, std::span<std::byte> values) {
    std::optional<std::uint64_t> damaged;
    if (map.packed.empty()) return damaged;
    auto const packing = packing_of(map.spec, 1);
    if (!packing) throw FieldError();
    for_each_packed(map, first, count, read, [&](std::uint64_t task, ByteView packed) {
        auto const place = values.subspan((task - first) * map.result_bytes, map.result_bytes);
        if (!unpack(*packing, packed, place) && !damaged) damaged = task;
    });
    return damaged;
}

}  // namespace plenum::io
