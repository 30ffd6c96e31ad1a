// Reading numeric datasets from HDF5 files.
#pragma once

#include <memory>

#include "io/dataset_source.hpp"

namespace plenum::hdf5 {

/// A source of HDF5 datasets. It has no state: several are as good as one.
[[nodiscard]] std::unique_ptr<io::DatasetSource> make_dataset_source();

}  // namespace plenum::hdf5
