// From the bytes that a task function has stored to the value it returned.
#pragma once

#include <cstring>
#include <plenum/codec.hpp>
#include <plenum/detail/task.hpp>
#include <ranges>
#include <stdexcept>

namespace plenum::detail {

template <class R>
[[nodiscard]] R decode_result(ByteView bytes) {
    if constexpr (DenseTraits<R>::dense) {
        return DenseTraits<R>::from_bytes(bytes);
    } else if constexpr (ElementRange<R>) {
        using T = std::ranges::range_value_t<R>;
        R result{};
        result.resize(bytes.size() / sizeof(T));
        if (!bytes.empty()) std::memcpy(std::ranges::data(result), bytes.data(), bytes.size());
        return result;
    } else if constexpr (Travels<R>) {
        return decode<R>(bytes);
    } else {
        throw std::logic_error("a value that does not travel was asked for as bytes");  // values of then() stay here
    }
}

}  // namespace plenum::detail
