// One call as an item of a stream: the function object and its arguments, packed one after the other.
#pragma once

#include <plenum/codec.hpp>
#include <plenum/detail/task.hpp>
#include <tuple>
#include <type_traits>
#include <utility>

namespace plenum::detail {

/// Nothing of it needs to travel.
template <class T>
inline constexpr bool stateless = std::is_empty_v<T> && PlainBytes<T> && std::is_default_constructible_v<T>;

/// Bytes of one part. Parts that are not plain bytes say how long they are.
template <class T>
void pack_part(T const& part, Bytes& out) {
    if constexpr (PlainBytes<T>) {
        if constexpr (!stateless<T>) append_bytes(out, &part, sizeof(T));
    } else {
        auto const at = out.size();
        std::uint64_t length = 0;
        append_bytes(out, &length, sizeof length);
        encode(part, out);
        length = out.size() - at - sizeof length;
        std::memcpy(out.data() + at, &length, sizeof length);
    }
}

template <class T>
[[nodiscard]] T unpack_part(ByteView& bytes) {
    if constexpr (stateless<T>) {
        return T{};
    } else if constexpr (PlainBytes<T>) {
        auto value = decode<T>(bytes);
        bytes = bytes.subspan(sizeof(T));
        return value;
    } else {
        auto const length = decode<std::uint64_t>(bytes);
        auto value = decode<T>(bytes.subspan(sizeof length).first(length));
        bytes = bytes.subspan(sizeof length + length);
        return value;
    }
}

/// The function object of a call. Throws UsageError when it holds addresses.
template <class F>
void pack_function(F const& f, Bytes& out) {
    if constexpr (PlainFunction<F> || PlainBytes<F>) {
        if constexpr (!stateless<F>) encode_function(f, out);
    } else {
        pack_part(f, out);
    }
}

template <class F>
[[nodiscard]] auto unpack_function(ByteView& bytes) {
    if constexpr (PlainFunction<F>)
        return reinterpret_cast<std::decay_t<F>>(const_cast<void*>(function_at(unpack_part<std::int64_t>(bytes))));
    else
        return unpack_part<F>(bytes);
}

template <class F, class... Args>
using call_result_t = std::decay_t<std::invoke_result_t<F const&, Args const&...>>;

/// Task function of a stream of calls F(Args...).
template <class F, class... Args>
void run_calls(ChunkCall& call) {
    for (auto task = call.first; task < call.last; ++task) {
        call.current->store(task, std::memory_order_release);
        try {
            [[maybe_unused]] auto bytes = call.item(task);
            auto const f = unpack_function<F>(bytes);
            // Braces: the parts are read in order.
            std::tuple<Args...> const arguments{unpack_part<Args>(bytes)...};
            store_result(call, task, std::apply(f, arguments));
        } catch (...) {
            fail_with_exception(call, task);
        }
        if (call.careful) call.task_ended(call, task);
    }
    call.current->store(call.last, std::memory_order_release);
}

template <class F, class... Args>
struct RegisteredCall {
    static TaskId const id;
};
template <class F, class... Args>
TaskId const RegisteredCall<F, Args...>::id =
    register_task(typeid(std::tuple<F*, Args*...>*).name(), &run_calls<F, Args...>);

template <class Function, class... Args>
consteval void require_that_the_call_is_possible() {
    static_assert(std::is_invocable_v<Function const&, Args const&...>,
                  "Plenum: the task cannot be called with these arguments. It must take them by value or by const "
                  "reference, and be const.");
}

template <class F, class... Args>
inline constexpr bool sound_call = TravellingFunction<F> && (Travels<Args> && ...) &&
                                   std::is_invocable_v<F const&, Args const&...>;

/// One message that says what to do when a call cannot be a task.
template <class F, class... Args>
consteval void check_call() {
    if constexpr (!TravellingFunction<F>) require_that_the_function_travels<F>();
    else if constexpr (!(Travels<Args> && ...)) (require_that_the_items_travel<Args>(), ...);
    else if constexpr (!sound_call<F, Args...>) require_that_the_call_is_possible<F, Args...>();
    else require_that_the_result_travels<std::decay_t<std::invoke_result_t<F const&, Args const&...>>>();
}

/// f(tuple) for a function of several arguments.
template <class F>
struct Unpacked {
    F f;
    template <class Tuple>
    auto operator()(Tuple const& arguments) const -> decltype(std::apply(f, arguments)) {
        return std::apply(f, arguments);
    }
    template <class Archive>
    void serialize(Archive& archive)
        requires(!PlainBytes<F>)
    {
        archive(f);
    }
};

}  // namespace plenum::detail
