// Element types of arrays in memory and in files, and the shapes of those arrays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <plenum/error.hpp>
#include <string>
#include <type_traits>
#include <vector>

namespace plenum {

/// The numeric types that arrays and result files hold.
enum class ElementType : std::uint8_t { i8, u8, i16, u16, i32, u32, i64, u64, f32, f64 };

/// Bytes of one element.
[[nodiscard]] constexpr std::size_t size_of(ElementType type) noexcept {
    switch (type) {
        case ElementType::i8:
        case ElementType::u8:
            return 1;
        case ElementType::i16:
        case ElementType::u16:
            return 2;
        case ElementType::i32:
        case ElementType::u32:
        case ElementType::f32:
            return 4;
        case ElementType::i64:
        case ElementType::u64:
        case ElementType::f64:
            return 8;
    }
    return 0;
}

/// The name as NumPy spells it: "int8", "uint64", "float32".
[[nodiscard]] constexpr char const* name_of(ElementType type) noexcept {
    switch (type) {
        case ElementType::i8:
            return "int8";
        case ElementType::u8:
            return "uint8";
        case ElementType::i16:
            return "int16";
        case ElementType::u16:
            return "uint16";
        case ElementType::i32:
            return "int32";
        case ElementType::u32:
            return "uint32";
        case ElementType::i64:
            return "int64";
        case ElementType::u64:
            return "uint64";
        case ElementType::f32:
            return "float32";
        case ElementType::f64:
            return "float64";
    }
    return "unknown";
}

/// A C++ type that is stored as an ElementType: every arithmetic type up to 8 bytes (so not long double).
template <class T>
concept Element = std::is_arithmetic_v<T> && sizeof(T) <= 8;

/// The element type of `T`, by its size and signedness on this machine; bool is u8.
template <Element T>
[[nodiscard]] constexpr ElementType element_type_of() noexcept {
    if constexpr (std::is_floating_point_v<T>) {
        return sizeof(T) == 4 ? ElementType::f32 : ElementType::f64;
    } else {
        constexpr bool is_signed = std::is_signed_v<T>;
        switch (sizeof(T)) {
            case 1:
                return is_signed ? ElementType::i8 : ElementType::u8;
            case 2:
                return is_signed ? ElementType::i16 : ElementType::u16;
            case 4:
                return is_signed ? ElementType::i32 : ElementType::u32;
            default:
                return is_signed ? ElementType::i64 : ElementType::u64;
        }
    }
}

/// Extents of an array, slowest dimension first. An empty shape is one single value.
using Shape = std::vector<std::uint64_t>;

/// Number of elements of an array of this shape. Throws UsageError when it does not fit into 64 bits.
[[nodiscard]] inline std::uint64_t count_of(Shape const& shape) {
    for (auto const extent : shape)
        if (extent == 0) return 0;
    std::uint64_t count = 1;
    for (auto const extent : shape) {
        if (count > std::numeric_limits<std::uint64_t>::max() / extent) {
            std::string text;
            for (auto const each : shape) text += (text.empty() ? "" : " x ") + std::to_string(each);
            throw UsageError("shape " + text + " is too large (more than 2^64 elements); check its extents");
        }
        count *= extent;
    }
    return count;
}

}  // namespace plenum
