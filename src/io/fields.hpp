// Numbers and texts in a fixed layout for records on disk: little-endian, texts with their length in front.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <plenum/error.hpp>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace plenum::io {

static_assert(std::endian::native == std::endian::little, "records are little-endian");

class FieldWriter {
public:
    template <class T>
    requires(std::is_arithmetic_v<T>) FieldWriter& number(T value) {
        return bytes(std::as_bytes(std::span(&value, 1)));
    }
    FieldWriter& text(std::string_view value) {
        return number<std::uint64_t>(value.size()).bytes(std::as_bytes(std::span(value)));
    }
    /// Without their number.
    FieldWriter& bytes(std::span<std::byte const> values) {
        if (values.empty()) return *this;
        auto const at = bytes_.size();
        bytes_.resize(at + values.size());
        std::memcpy(bytes_.data() + at, values.data(), values.size());
        return *this;
    }
    [[nodiscard]] std::span<std::byte const> view() const noexcept { return bytes_; }

private:
    std::vector<std::byte> bytes_;
};

/// The bytes end before the fields do, or a field says what cannot be.
class FieldError : public EnvironmentError {
public:
    FieldError() : EnvironmentError("a record does not hold what its kind says") {}
};

/// Reads what a FieldWriter wrote. No number in the bytes is trusted: what does not fit throws FieldError.
class FieldReader {
public:
    explicit FieldReader(std::span<std::byte const> bytes) : rest_(bytes) {}

    template <class T>
    requires(std::is_arithmetic_v<T>) [[nodiscard]] T number() {
        T value;
        auto const source = bytes(sizeof value);
        std::memcpy(&value, source.data(), sizeof value);
        return value;
    }
    [[nodiscard]] std::string text() {
        auto const source = bytes(number<std::uint64_t>());
        return {reinterpret_cast<char const*>(source.data()), source.size()};
    }
    /// How many entries of at least `least_bytes` each follow.
    [[nodiscard]] std::uint64_t count(std::uint64_t least_bytes) {
        auto const value = number<std::uint64_t>();
        if (value > rest_.size() / least_bytes) throw FieldError();
        return value;
    }
    [[nodiscard]] std::span<std::byte const> bytes(std::uint64_t size) {
        if (size > rest_.size()) throw FieldError();
        auto const taken = rest_.first(size);
        rest_ = rest_.subspan(size);
        return taken;
    }
    [[nodiscard]] std::span<std::byte const> rest() const noexcept { return rest_; }
    void expect_end() const {
        if (!rest_.empty()) throw FieldError();
    }

private:
    std::span<std::byte const> rest_;
};

}  // namespace plenum::io
