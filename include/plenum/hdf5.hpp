// HDF5 datasets as vectors. Opt-in; needs no hdf5.h and nothing more to link than Plenum.
#pragma once

#include <concepts>
#include <plenum/element.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace plenum {

/// A whole dataset: row-major values and its extents, slowest first.
template <Element T>
struct Dataset {
    std::vector<T> values = {};
    Shape shape = {};
};

namespace detail {
[[nodiscard]] Shape hdf5_shape(std::string const& file, std::string const& dataset);
void read_hdf5(std::string const& file, std::string const& dataset, ElementType as, std::span<std::byte> into);
}  // namespace detail

/// Reads a numeric dataset of any number of dimensions, converted to T; values outside its range become the nearest
/// one inside. Local: into the memory of the caller, in the body as well as in a task; any thread, as Plenum's own calls
/// of HDF5 take turns. To have one copy for all tasks of a node, Pool::share_from_hdf5. Throws EnvironmentError that names
/// the file when it is missing, damaged or no HDF5 file, and the dataset when it does not exist or holds no numbers.
template <Element T>
    requires(!std::same_as<T, bool>)
[[nodiscard]] Dataset<T> load_hdf5(std::string const& file, std::string const& dataset) {
    Dataset<T> loaded;
    loaded.shape = detail::hdf5_shape(file, dataset);
    loaded.values.resize(count_of(loaded.shape));
    detail::read_hdf5(file, dataset, element_type_of<T>(), std::as_writable_bytes(std::span(loaded.values)));
    return loaded;
}

}  // namespace plenum
