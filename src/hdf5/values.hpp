// Values between C++ and HDF5: element types, attributes, columns, strings. Only for the sources of this
// folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <plenum/element.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hdf5/calls.hpp"
#include "io/result_records.hpp"

namespace plenum::hdf5 {

/// The type in memory; also used in files, which therefore have the byte order of the machine.
[[nodiscard]] hid_t native_type(ElementType type);
/// The closest type in memory to a numeric type of a file.
[[nodiscard]] ElementType element_type(hid_t type);
[[nodiscard]] Handle make_space(Shape const& shape);

/// UTF-8 as HDF5 and h5py expect it: each NUL or byte that is not valid UTF-8 becomes U+FFFD.
[[nodiscard]] std::string valid_text(std::string_view text);

void write_attribute(hid_t object, io::Attribute const& attribute);
/// What stands in place of a floating-point result of `bytes` that does not exist: not a number. Empty for
/// other types.
[[nodiscard]] std::vector<std::byte> missing_result(ElementType type, std::uint64_t bytes);
/// Nothing is written if `units` is empty.
void write_units(hid_t object, std::string const& units);

/// Whether something lies under `path`; the folders above it need not exist.
[[nodiscard]] bool path_exists(hid_t parent, std::string const& path);
/// The group `path`, made with its parents if it is not there.
[[nodiscard]] Handle require_group(hid_t parent, std::string const& path);

/// How the elements of a dataset lie in the file.
struct Storage {
    int gzip = 0;                                          ///< level 1 to 9; 0: contiguous, as they are
    int threads = 1;                                       ///< that compress at a time
    std::function<void(std::uint64_t bytes)> stored = {};  ///< called as compressed values go into the file
};

/// Creates an empty dataset for the results: contiguous, its place allocated at once, no fill values written;
/// or in chunks of io::chunk_shape(), shuffled and compressed. Parents are made.
[[nodiscard]] Handle create_dataset(hid_t parent, std::string const& path, ElementType type,
                                    Shape const& shape, Storage const& storage);
/// Creates an empty dataset: contiguous, its place allocated at once, no fill values written. Parents are
/// made.
[[nodiscard]] Handle create_contiguous(hid_t parent, std::string const& path, ElementType type,
                                       Shape const& shape);
/// Creates and writes a dataset; returns it for attributes.
Handle write_dataset(hid_t parent, std::string const& path, ElementType type, Shape const& shape,
                     std::span<std::byte const> values);
/// One dimension, one value for each element.
template <Element T>
Handle write_column(hid_t parent, std::string const& path, std::vector<T> const& values) {
    return write_dataset(parent, path, element_type_of<T>(), {values.size()},
                         std::as_bytes(std::span(values)));
}
/// One dimension of strings of variable length.
void write_strings(hid_t parent, std::string const& path, std::vector<std::string> const& values);
/// What write_strings wrote.
[[nodiscard]] std::vector<std::string> read_strings(hid_t parent, std::string const& path);
/// The attribute as text or as a whole number; empty or 0 where it does not exist or is of another type.
[[nodiscard]] std::string read_text_attribute(hid_t object, char const* name);
[[nodiscard]] std::int64_t read_number_attribute(hid_t object, char const* name);
/// One long string.
void write_text(hid_t parent, std::string const& path, std::string const& text);

}  // namespace plenum::hdf5
