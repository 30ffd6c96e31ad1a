// Fills a compressed dataset of any shape from front to back. Only for the sources of this folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <future>
#include <plenum/codec.hpp>
#include <plenum/element.hpp>
#include <span>
#include <vector>

#include "hdf5/calls.hpp"
#include "hdf5/values.hpp"

namespace plenum::hdf5 {

/// The chunks of io::chunk_shape() lie one after the other in the order of the values, so values that come in
/// order fill one chunk after the other. Full ones are compressed by several threads at a time; the thread
/// that appends hands them to HDF5, which only stores them. HDF5's own filters take one thread, and are five
/// times slower than a disk.
class PackedWriter {
public:
    /// `dataset`: made by create_dataset() with this type, shape and storage; outlives this.
    PackedWriter(hid_t dataset, ElementType type, Shape const& shape, Storage const& storage);

    /// Whole elements, together as many as the shape has. Waits while each thread has a chunk.
    void append(std::span<std::byte const> values);
    /// The chunks of whole results that lie in chunks of their own (io::packing_of), packed already.
    void append_packed(std::span<ByteView const> chunks);
    /// Waits for the last chunks. Must be called.
    void finish();

private:
    struct Chunk {
        std::vector<hsize_t> place;
        std::uint64_t bytes;  // of its values
        std::future<std::vector<std::byte>> packed;
    };
    void start_chunk();
    void pack();
    void add(std::future<std::vector<std::byte>> packed);
    void store_oldest();

    hid_t dataset_;
    std::size_t element_bytes_;
    Storage storage_;
    std::vector<hsize_t> shape_, chunk_;
    std::size_t cut_;             // the dimension along which chunks may be shorter than an extent
    std::uint64_t step_bytes_;    // of one step along it
    std::vector<hsize_t> place_;  // of the chunk that is being filled
    std::vector<std::byte> buffer_;
    std::size_t wanted_ = 0;  // bytes of values in that chunk
    std::deque<Chunk> under_way_;
};

}  // namespace plenum::hdf5
