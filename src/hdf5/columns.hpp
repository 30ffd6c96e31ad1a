// Reading tables: columns of numbers, text, names. Only for the sources of this folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <plenum/element.hpp>
#include <string>
#include <vector>

#include "hdf5/calls.hpp"
#include "hdf5/values.hpp"

namespace plenum::hdf5 {

/// So many rows of a long column are read at a time.
inline constexpr std::uint64_t rows_at_once = 1 << 18;

/// Names of the links in a group.
[[nodiscard]] std::vector<std::string> names_in(hid_t parent, std::string const& group);
[[nodiscard]] std::vector<std::uint64_t> extents_of(hid_t dataset);
/// The attributes that are text or one number; others are left out.
[[nodiscard]] std::vector<io::Attribute> read_attributes(hid_t object);
/// Rows [first, first + count) along the first dimension of a numeric dataset, converted to `as`.
[[nodiscard]] std::vector<std::byte> read_rows(hid_t dataset, ElementType as, std::uint64_t first,
                                               std::uint64_t count);

template <Element T>
[[nodiscard]] std::vector<T> read_column(hid_t dataset, std::uint64_t first, std::uint64_t count) {
    auto const bytes = read_rows(dataset, element_type_of<T>(), first, count);
    std::vector<T> values(bytes.size() / sizeof(T));
    if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
}
/// A whole column; empty where it does not exist.
template <Element T>
[[nodiscard]] std::vector<T> read_column(hid_t parent, std::string const& path) {
    if (!path_exists(parent, path)) return {};
    auto const dataset = call::d_open(parent, path.c_str());
    return read_column<T>(dataset, 0, extents_of(dataset).at(0));
}
/// What write_text wrote; empty where it does not exist.
[[nodiscard]] std::string read_text(hid_t parent, std::string const& path);

}  // namespace plenum::hdf5
