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

template <class F, class... Args>
using call_result_t = std::decay_t<std::invoke_result_t<F const&, Args const&...>>;

/// Task function of a stream of calls F(Args...).
template <class F, class... Args>
void run_calls(ChunkCall& call) {
    for (auto task = call.first; task < call.last; ++task) {
        call.current->store(task, std::memory_order_release);
        try {
            [[maybe_unused]] auto bytes = call.item(task);
            auto const f = unpack_part<F>(bytes);
            // Braces: the parts are read in order.
            std::tuple<Args...> const arguments{unpack_part<Args>(bytes)...};
            store_result(call, task, std::apply(f, arguments));
        } catch (std::exception const& error) {
            call.fail(call, task, error.what());
        } catch (...) {
            call.fail(call, task, "an exception that is not derived from std::exception");
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

template <class F, class... Args>
consteval void check_call() {
    static_assert(Travels<F>,
                  "Plenum: the function object cannot travel to the executors. Capture plain values and "
                  "SharedRefs by value, or put other state into a struct with operator() const and serialize().");
    static_assert((Travels<Args> && ...),
                  "Plenum: an argument cannot travel. Pass values, standard containers of values, or a type with "
                  "serialize(); not pointers, references or views.");
    static_assert(std::is_invocable_v<F const&, Args const&...>,
                  "Plenum: the task cannot be called with these arguments: it must take them by value or const "
                  "reference, and be const.");
    using R = call_result_t<F, Args...>;
    static_assert(!std::is_void_v<R>, "Plenum: the task returns nothing; return a value.");
    static_assert(DenseTraits<R>::dense || Travels<R>,
                  "Plenum: the result cannot travel. Return values, standard containers of values, or a type "
                  "with serialize(); not pointers, references or views.");
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
