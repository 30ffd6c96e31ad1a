// Fills a one-dimensional dataset from front to back. Only for the sources of this folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <plenum/element.hpp>
#include <span>
#include <string>
#include <vector>

#include "hdf5/calls.hpp"
#include "hdf5/packed_writer.hpp"
#include "hdf5/values.hpp"

namespace plenum::hdf5 {

/// Collects small pieces into large writes; the last one happens in finish(), which must be called.
class DatasetWriter {
public:
    /// Creates the dataset with room for `length` elements.
    DatasetWriter(hid_t parent, std::string const& path, ElementType type, std::uint64_t length,
                  Storage const& storage = {});

    /// Whole elements, together not more than `length`.
    void append(std::span<std::byte const> values);
    template <Element T>
    void append(T value) {
        append(std::as_bytes(std::span(&value, 1)));
    }
    /// Returns the dataset, for attributes.
    hid_t finish();

private:
    void flush();

    ElementType type_;
    Handle dataset_;
    std::uint64_t written_ = 0;  // elements
    std::vector<std::byte> buffer_;
    std::optional<PackedWriter> packed_;  // where the values are compressed
};

}  // namespace plenum::hdf5
