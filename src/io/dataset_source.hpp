// Reading numeric arrays from files: the interface.
#pragma once

#include <cstddef>
#include <plenum/element.hpp>
#include <span>
#include <string>

namespace plenum::io {

/// What a dataset holds. `type` is the closest ElementType (half precision counts as f32).
struct DatasetInfo {
    ElementType type = ElementType::f64;
    Shape shape{};
};

/// Numeric datasets by file name and path inside the file. Every call opens and closes the file.
/// Errors are EnvironmentErrors of one line that name the file: it is missing, of another format or damaged;
/// the dataset does not exist (the message lists those that do) or is not numeric.
class DatasetSource {
public:
    virtual ~DatasetSource() = default;
    /// Reads no data.
    [[nodiscard]] virtual DatasetInfo info(std::string const& file, std::string const& dataset) = 0;
    /// Fills `into` with the whole dataset, row-major, converted to `as`; values outside its range become the
    /// nearest one inside. Throws UsageError unless `into` has exactly the bytes of that many elements.
    virtual void read(std::string const& file, std::string const& dataset, ElementType as,
                      std::span<std::byte> into) = 0;
};

}  // namespace plenum::io
