// From a call of a cached function to the bytes of its key.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <new>
#include <plenum/codec.hpp>
#include <plenum/detail/cache_core.hpp>
#include <plenum/detail/refusals.hpp>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace plenum::detail {

/// The parameters of a function object with one operator(): as a std::tuple; void: unknown.
template <class F>
struct ParametersOf {
    using type = void;
};
template <class C, class R, class... P>
struct ParametersOf<R (C::*)(P...) const> {
    using type = std::tuple<P...>;
};
template <class C, class R, class... P>
struct ParametersOf<R (C::*)(P...) const noexcept> : ParametersOf<R (C::*)(P...) const> {};
template <class F>
    requires requires { &F::operator(); }
struct ParametersOf<F> : ParametersOf<decltype(&F::operator())> {};

/// What argument number i of type A is before it becomes bytes: the parameter, so that f(2) and f(2.0) are the
/// same call of f(double).
template <class Parameters, std::size_t i, std::size_t count, class A>
struct ArgumentAs {
    using type = A;
};
template <class... P, std::size_t i, class A>
    requires(Travels<std::remove_cvref_t<std::tuple_element_t<i, std::tuple<P...>>>>)
struct ArgumentAs<std::tuple<P...>, i, sizeof...(P), A> {
    using type = std::remove_cvref_t<std::tuple_element_t<i, std::tuple<P...>>>;
};

/// `value` as a T, without a copy where it is one.
template <class T, class A>
[[nodiscard]] decltype(auto) as(A const& value) {
    if constexpr (std::is_same_v<T, A>)
        return (value);
    else
        return static_cast<T>(value);
}

template <class T>
void append_type(Bytes& out) {
    std::string_view const name = typeid(T).name();
    append_bytes(out, name.data(), name.size() + 1);
    auto const size = static_cast<std::uint64_t>(sizeof(T));
    append_bytes(out, &size, sizeof size);
}

template <class T>
void append_argument(Bytes& out, T const& value) {
    append_type<T>(out);
    auto const at = out.size();
    std::uint64_t bytes = 0;
    append_bytes(out, &bytes, sizeof bytes);
    if constexpr (PlainBytes<T>) {
        alignas(T) std::byte copy[sizeof(T)];
        std::memcpy(copy, &value, sizeof(T));
#if defined(__has_builtin) && __has_builtin(__builtin_clear_padding)
        __builtin_clear_padding(std::launder(reinterpret_cast<T*>(copy)));
#endif
        append_bytes(out, copy, sizeof(T));
    } else {
        encode(value, out);
    }
    bytes = out.size() - at - sizeof bytes;
    std::memcpy(out.data() + at, &bytes, sizeof bytes);
}

/// A function that travels: by its place in the program.
template <class Signature>
class PortableFunction;
template <class R, class... P>
class PortableFunction<R(P...)> {
public:
    PortableFunction() = default;
    explicit PortableFunction(R (*function)(P...))
        : place_(place_of_function(reinterpret_cast<void const*>(function))) {}
    R operator()(P... arguments) const {
        auto* const function = reinterpret_cast<R (*)(P...)>(const_cast<void*>(function_at(place_)));
        return function(std::forward<P>(arguments)...);
    }

private:
    std::int64_t place_ = 0;
};
template <class R, class... P>
[[nodiscard]] PortableFunction<R(P...)> portable(R (*function)(P...)) {
    return PortableFunction<R(P...)>(function);
}

/// Text of at most n - 1 bytes that travels as it lies.
template <std::size_t n>
struct FixedText {
    std::array<char, n> characters{};
    [[nodiscard]] std::string_view view() const noexcept { return characters.data(); }
};

}  // namespace plenum::detail
