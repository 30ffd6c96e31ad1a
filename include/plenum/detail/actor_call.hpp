// From constructors and methods to registered functions, their arguments and results as bytes.
#pragma once

#include <cstring>
#include <plenum/codec.hpp>
#include <plenum/detail/actor_port.hpp>
#include <plenum/detail/chunk_call.hpp>
#include <plenum/detail/task.hpp>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace plenum::detail {

/// "space::Type" for the result of typeid(...).name().
[[nodiscard]] std::string readable_type_name(char const* mangled);

/// Several values one after the other: plain ones as their bytes, others with their length in front.
template <Travels T>
void append_argument(T const& value, Bytes& out) {
    if constexpr (PlainBytes<T>) {
        encode(value, out);
    } else {
        auto const at = out.size();
        out.resize(at + sizeof(std::uint64_t));
        encode(value, out);
        std::uint64_t const length = out.size() - at - sizeof length;
        std::memcpy(out.data() + at, &length, sizeof length);
    }
}

template <Travels T>
[[nodiscard]] T take_argument(ByteView& bytes) {
    std::uint64_t length = sizeof(T);
    if constexpr (!PlainBytes<T>) {
        length = decode<std::uint64_t>(bytes);
        bytes = bytes.subspan(sizeof length);
    }
    if (bytes.size() < length) throw std::length_error("too few bytes to decode");
    auto const mine = bytes.first(length);
    bytes = bytes.subspan(length);
    return decode<T>(mine);
}

template <class... Args>
[[nodiscard]] Bytes request_of(Args const&... arguments) {
    Bytes request(actor_room);
    (append_argument(arguments, request), ...);
    return request;
}

/// Registers `function` in the one registry of what is called by id, as a task function of the type Name
/// would be.
template <class Name>
[[nodiscard]] std::uint64_t register_actor_function(ActorFunction function) {
    return register_task(typeid(Name).name(),
                         reinterpret_cast<ChunkFunction>(reinterpret_cast<void (*)()>(function)));
}

/// As what an argument of a constructor is sent.
template <class Arg>
struct SentAs {
    using type = std::decay_t<Arg>;
};
template <class Arg>
    requires std::is_same_v<std::decay_t<Arg>, char const*> || std::is_same_v<std::decay_t<Arg>, char*>
struct SentAs<Arg> {
    using type = std::string;
};
template <class Arg>
using sent_as_t = typename SentAs<Arg>::type;

/// A constructor of T: the type's name comes first in the request, the engine reads it too.
template <class T, class... Args>
void construct_actor(ActorInvocation& invocation) {
    auto bytes = invocation.arguments;
    (void)take_argument<std::string>(bytes);
    std::tuple<Args...> arguments{take_argument<Args>(bytes)...};
    invocation.slot.object =
        std::apply([](auto&... argument) { return new T(std::move(argument)...); }, arguments);
    invocation.slot.destroy = [](void* object) { delete static_cast<T*>(object); };
}

template <class T, class... Args>
struct RegisteredConstructor {
    static std::uint64_t const id;
};
template <class T, class... Args>
std::uint64_t const RegisteredConstructor<T, Args...>::id =
    register_actor_function<RegisteredConstructor<T, Args...>>(&construct_actor<T, Args...>);

template <class Method>
struct MethodTraits {
    static constexpr bool is_method = false;
};
template <class C, class R, class... A>
struct MethodSignature {
    static constexpr bool is_method = true;
    /// Not usable: what the method writes into an argument would be lost.
    static constexpr bool writes_arguments =
        ((std::is_lvalue_reference_v<A> && !std::is_const_v<std::remove_reference_t<A>>) || ...);
    using owner = C;
    using result = std::decay_t<R>;
    using arguments = std::tuple<std::remove_cvref_t<A>...>;
    static constexpr bool arguments_travel = (Travels<std::remove_cvref_t<A>> && ...);
};
template <class C, class R, class... A>
struct MethodTraits<R (C::*)(A...)> : MethodSignature<C, R, A...> {};
template <class C, class R, class... A>
struct MethodTraits<R (C::*)(A...) const> : MethodSignature<C, R, A...> {};
template <class C, class R, class... A>
struct MethodTraits<R (C::*)(A...) noexcept> : MethodSignature<C, R, A...> {};
template <class C, class R, class... A>
struct MethodTraits<R (C::*)(A...) const noexcept> : MethodSignature<C, R, A...> {};

template <class... Args>
[[nodiscard]] std::tuple<Args...> take_arguments([[maybe_unused]] ByteView bytes, std::type_identity<std::tuple<Args...>>) {
    return std::tuple<Args...>{take_argument<Args>(bytes)...};  // braces: from left to right
}

/// As decode_result() reads it.
template <class R>
void store_result(R const& result, Bytes& out) {
    if constexpr (DenseTraits<R>::dense || ElementRange<R>) {
        auto const bytes = bytes_of_range(result);
        append_bytes(out, bytes.data(), bytes.size());
    } else {
        encode<R>(result, out);
    }
}

template <class T, auto method>
void call_actor(ActorInvocation& invocation) {
    using Traits = MethodTraits<decltype(method)>;
    auto& object = *static_cast<T*>(invocation.slot.object);
    auto arguments =
        take_arguments(invocation.arguments, std::type_identity<typename Traits::arguments>{});
    auto const run = [&]() -> decltype(auto) {
        return std::apply(
            [&](auto&... argument) -> decltype(auto) { return (object.*method)(std::move(argument)...); },
            arguments);
    };
    if constexpr (std::is_void_v<typename Traits::result>)
        run();
    else
        store_result<typename Traits::result>(run(), invocation.result);
}

template <class T, auto method>
struct RegisteredMethod {
    static std::uint64_t const id;
};
template <class T, auto method>
std::uint64_t const RegisteredMethod<T, method>::id =
    register_actor_function<RegisteredMethod<T, method>>(&call_actor<T, method>);

template <class T>
void copy_actor(ActorInvocation& invocation) {
    store_result<T>(*static_cast<T const*>(invocation.slot.object), invocation.result);
}

/// The "method" that returns the whole object.
template <class T>
struct RegisteredCopy {
    static std::uint64_t const id;
};
template <class T>
std::uint64_t const RegisteredCopy<T>::id = register_actor_function<RegisteredCopy<T>>(&copy_actor<T>);

}  // namespace plenum::detail
