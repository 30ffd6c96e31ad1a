// A value inside a task function object: travels as its own type would, and needs no default constructor for it.
#pragma once

#include <cstring>
#include <new>
#include <plenum/codec.hpp>
#include <type_traits>

namespace plenum::detail {

template <Travels T>
class Carried {
public:
    Carried() = default;
    explicit Carried(T value) : value_(std::move(value)) {}
    [[nodiscard]] T const& operator*() const noexcept { return value_; }
    template <class Archive>
    void serialize(Archive& archive) {
        archive(value_);
    }

private:
    T value_{};
};

/// By its bytes: lambdas with captures can be neither default constructed nor assigned.
template <PlainBytes T>
class Carried<T> {
public:
    Carried() = default;
    explicit Carried(T const& value) noexcept {
        std::memcpy(bytes_, &value, sizeof(T));
#if __has_builtin(__builtin_clear_padding)
        // An old address between the members would look like a captured pointer.
        __builtin_clear_padding(reinterpret_cast<std::remove_const_t<T>*>(bytes_));
#endif
    }
    [[nodiscard]] T const& operator*() const noexcept {
        return *std::launder(reinterpret_cast<T const*>(bytes_));
    }
    template <class Archive>
    void serialize(Archive& archive) {
        archive(cereal::binary_data(bytes_, sizeof(T)));
    }

private:
    alignas(T) std::byte bytes_[sizeof(T)];
};

}  // namespace plenum::detail
