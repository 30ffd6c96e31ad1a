// Coordinates 0, 1, 2, ... along a dimension of results.
#pragma once

#include <cstddef>
#include <numeric>
#include <plenum/metadata.hpp>
#include <string>
#include <utility>
#include <vector>

namespace plenum::jobs {

/// Readers of the netCDF kind (xarray) guess the names of dimensions without a scale, and guess wrong where
/// two are equally long: so every dimension gets one. Costs 8 bytes in the file for each of `count`.
[[nodiscard]] inline Scale index_scale(std::size_t dimension, std::string name, std::size_t count,
                                       std::string units = {}) {
    std::vector<double> values(count);
    std::iota(values.begin(), values.end(), 0.0);
    return {.dimension = dimension,
            .name = std::move(name),
            .values = std::move(values),
            .units = std::move(units)};
}

}  // namespace plenum::jobs
