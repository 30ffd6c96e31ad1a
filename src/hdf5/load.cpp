// The public functions that load datasets.
#include <plenum/hdf5.hpp>

#include "hdf5/dataset_source.hpp"

namespace plenum {

Shape detail::hdf5_shape(std::string const& file, std::string const& dataset) {
    return hdf5::make_dataset_source()->info(file, dataset).shape;
}

void detail::read_hdf5(std::string const& file, std::string const& dataset, ElementType as,
                       std::span<std::byte> into) {
    hdf5::make_dataset_source()->read(file, dataset, as, into);
}

}  // namespace plenum
