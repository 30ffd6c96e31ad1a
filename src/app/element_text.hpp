// Results as text: numbers of any element type, shortest form that reads back the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <plenum/element.hpp>
#include <span>
#include <string>

namespace plenum::app {

/// Element `index` of `bytes`. JSON knows no infinities: there they and not-a-numbers are null.
[[nodiscard]] std::string element_text(ElementType type, std::span<std::byte const> bytes,
                                       std::uint64_t index, bool json);
/// "[1,2.5]": elements [first, first + count).
[[nodiscard]] std::string elements_text(ElementType type, std::span<std::byte const> bytes,
                                        std::uint64_t first, std::uint64_t count);
/// For people: "3 numbers: 1 2.5 7", or the first ones with least and greatest.
[[nodiscard]] std::string describe_elements(ElementType type, std::span<std::byte const> bytes);
/// A number as JSON.
[[nodiscard]] std::string json_number(double value);

}  // namespace plenum::app
