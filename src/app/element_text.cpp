#include "app/element_text.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

namespace plenum::app {
namespace {

constexpr std::uint64_t shown_elements = 8;

/// visit(value) with element `index`.
template <class Visit>
auto with_element(ElementType type, std::span<std::byte const> bytes, std::uint64_t index, Visit&& visit) {
    auto const as = [&]<class T>(T value) {
        std::memcpy(&value, bytes.subspan(index * sizeof(T), sizeof(T)).data(), sizeof(T));
        return visit(value);
    };
    switch (type) {
        case ElementType::i8:
            return as(std::int8_t{});
        case ElementType::u8:
            return as(std::uint8_t{});
        case ElementType::i16:
            return as(std::int16_t{});
        case ElementType::u16:
            return as(std::uint16_t{});
        case ElementType::i32:
            return as(std::int32_t{});
        case ElementType::u32:
            return as(std::uint32_t{});
        case ElementType::i64:
            return as(std::int64_t{});
        case ElementType::u64:
            return as(std::uint64_t{});
        case ElementType::f32:
            return as(float{});
        case ElementType::f64:
            break;
    }
    return as(double{});
}

}  // namespace

std::string element_text(ElementType type, std::span<std::byte const> bytes, std::uint64_t index, bool json) {
    return with_element(type, bytes, index, [json]<class T>(T value) -> std::string {
        if constexpr (std::is_floating_point_v<T>) {
            if (json && !std::isfinite(value)) return "null";
            return fmt::format("{}", value);
        } else {
            return fmt::format("{:d}", value);
        }
    });
}

std::string elements_text(ElementType type, std::span<std::byte const> bytes, std::uint64_t first,
                          std::uint64_t count) {
    std::string text = "[";
    for (auto i = first; i < first + count; ++i) {
        if (i > first) text += ',';
        text += element_text(type, bytes, i, true);
    }
    return text + "]";
}

std::string describe_elements(ElementType type, std::span<std::byte const> bytes) {
    auto const count = bytes.size() / size_of(type);
    auto text = fmt::format("{} {}{}:", count, name_of(type), count == 1 ? "" : " values");
    for (std::uint64_t i = 0; i < std::min(count, shown_elements); ++i)
        text.append(1, ' ').append(element_text(type, bytes, i, false));
    if (count <= shown_elements) return text;
    double least = std::numeric_limits<double>::infinity(), greatest = -least;
    for (std::uint64_t i = 0; i < count; ++i) {
        auto const value =
            with_element(type, bytes, i, [](auto number) { return static_cast<double>(number); });
        least = std::fmin(least, value);
        greatest = std::fmax(greatest, value);
    }
    return text + fmt::format(" ... (from {} to {})", least, greatest);
}

std::string json_number(double value) {
    return std::isfinite(value) ? fmt::format("{}", value) : "null";
}

}  // namespace plenum::app
