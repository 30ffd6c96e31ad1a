// What a result file says about its data: attributes and scales.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace plenum {

/// A named value attached to a dataset or to the run.
struct Attribute {
    std::string name = {};
    std::variant<std::int64_t, double, std::string> value = {};
};

/// Coordinates along one dimension, for example the parameter of each task (dimension 0).
struct Scale {
    std::size_t dimension = 0;
    std::string name = {};
    std::vector<double> values = {};  ///< as many as the dimension is long
    std::string units = {};           ///< may be empty
};

}  // namespace plenum
