// From a callable and its items to a registered task function.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <memory>
#include <plenum/codec.hpp>
#include <plenum/detail/chunk_call.hpp>
#include <plenum/detail/refusals.hpp>
#include <plenum/element.hpp>
#include <ranges>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace plenum::detail {

/// Item type of an index range: the task gets its index as std::uint64_t.
struct IndexItem {};

/// The items of a range as they travel: those of a map are pairs whose key can be assigned.
template <class T>
struct TravelItem {
    using type = T;
};
template <class A, class B>
struct TravelItem<std::pair<A const, B>> {
    using type = std::pair<A, B>;
};
template <class Range>
using item_of = typename TravelItem<std::ranges::range_value_t<Range>>::type;

template <class Item>
struct TaskArgument {
    using type = Item const&;
};
template <>
struct TaskArgument<IndexItem> {
    using type = std::uint64_t;
};
template <class Item>
using task_argument_t = typename TaskArgument<Item>::type;

/// The element type of the last parameter when it is a span to write the result into: f(item, std::span<float> out).
template <class Call>
struct OutputSpan {
    using type = void;
};
template <class F, class Item, class T>
struct OutputSpan<void (F::*)(Item, std::span<T>) const> {
    using type = std::conditional_t<std::is_const_v<T>, void, T>;
};
template <class F, class = void>
struct OutputSpanOf {
    using type = void;
};
template <class F>
struct OutputSpanOf<F, std::void_t<decltype(&F::operator())>> : OutputSpan<decltype(&F::operator())> {};
template <class Item, class T>
struct OutputSpanOf<void (*)(Item, std::span<T>), void> {
    using type = T;
};

/// How a result travels.
enum class ResultKind {
    plain,    ///< its bytes, all of one size
    in_place, ///< the task writes into its slot
    range,    ///< consecutive elements, as many as there are; a declared shape makes it fixed
    encoded,  ///< through cereal
};

template <class R>
concept ElementRange = !PlainBytes<R> && std::ranges::contiguous_range<R> && std::ranges::sized_range<R> &&
                       Element<std::ranges::range_value_t<R>> && !is_view<R>;

/// Dense matrices: .data() and .size() of elements without gaps. plenum/eigen.hpp adds Eigen's types.
template <class R>
struct DenseTraits {
    static constexpr bool dense = false;
};

/// A function, or a pointer to one: travels as its place in the program.
template <class F>
concept PlainFunction = std::is_function_v<std::remove_pointer_t<F>>;

template <class F>
concept TravellingFunction = PlainFunction<F> || Travels<F>;

template <class R>
concept TravellingResult = !std::is_void_v<R> && (DenseTraits<R>::dense || Travels<R>);

/// Stands for the result of a task that a static_assert has refused, so that the compiler says nothing else.
struct RefusedResult {};

template <class F, class Item>
struct TaskTraits {
    using argument = task_argument_t<Item>;
    using output = typename OutputSpanOf<std::decay_t<F>>::type;
    static constexpr bool in_place = !std::is_void_v<output>;
    static constexpr bool callable = in_place || std::is_invocable_v<F const&, argument>;
    static constexpr bool item_travels = std::is_same_v<Item, IndexItem> || Travels<Item>;

    static auto returned_probe() {
        if constexpr (in_place) return std::type_identity<std::span<output const>>{};
        else if constexpr (callable) return std::type_identity<std::decay_t<std::invoke_result_t<F const&, argument>>>{};
        else return std::type_identity<void>{};
    }
    using returned = typename decltype(returned_probe())::type;
    /// It can be a task.
    static constexpr bool sound =
        TravellingFunction<F> && item_travels && callable && (in_place || TravellingResult<returned>);
    using result = std::conditional_t<sound, returned, RefusedResult>;

    static constexpr ResultKind kind() {
        if constexpr (in_place) return ResultKind::in_place;
        else if constexpr (DenseTraits<result>::dense || ElementRange<result>) return ResultKind::range;
        else if constexpr (PlainBytes<result>) return ResultKind::plain;
        else return ResultKind::encoded;
    }
};

template <class R>
ByteView bytes_of_range(R const& range) {
    if constexpr (DenseTraits<R>::dense)
        return DenseTraits<R>::bytes(range);
    else
        return {reinterpret_cast<std::byte const*>(std::ranges::data(range)),
                std::ranges::size(range) * sizeof(std::ranges::range_value_t<R>)};
}

/// The bytes of a function object that travel to the executors. Throws UsageError when it holds addresses.
template <class F>
void encode_function(F const& f, Bytes& out) {
    if constexpr (PlainFunction<F>) {
        auto const place = place_of_function(reinterpret_cast<void const*>(+f));
        append_bytes(out, &place, sizeof place);
    } else if constexpr (PlainBytes<F>) {
        struct alignas(F) Storage {
            std::byte bytes[sizeof(F)];
        };
        auto const copy = std::make_unique<Storage>();  // as large as the object: not for the stack
        std::memcpy(copy->bytes, static_cast<void const*>(&f), sizeof(F));
        auto padding = Padding::unknown;
#if __has_builtin(__builtin_clear_padding)
        __builtin_clear_padding(reinterpret_cast<F*>(copy->bytes));
        padding = Padding::cleared;
#endif
        if constexpr (alignof(F) >= alignof(void*)) refuse_addresses(copy->bytes, sizeof(F), padding);
        append_bytes(out, copy->bytes, sizeof(F));
    } else {
        encode(f, out);
    }
}

/// The function object: its bytes as they lie, or decoded once per executor and batch.
template <class F>
F const& function_of(ChunkCall& call) {
    if constexpr (PlainFunction<F>) {
        using Pointer = std::decay_t<F>;
        auto const pointer = reinterpret_cast<Pointer>(
            const_cast<void*>(function_at(decode<std::int64_t>(call.function))));
        if constexpr (std::is_function_v<F>) {
            return *pointer;
        } else {
            if (!*call.object) *call.object = std::make_shared<F>(pointer);
            return *static_cast<F const*>(call.object->get());
        }
    } else if constexpr (PlainBytes<F>) {
        return *std::launder(reinterpret_cast<F const*>(call.function.data()));
    } else {
        if (!*call.object) *call.object = std::make_shared<F>(decode<F>(call.function));
        return *static_cast<F const*>(call.object->get());
    }
}

/// Where results are encoded, one after the other: memory that is there already. Fresh pages for each result of some
/// hundred KiB cost as much as a simple task.
[[nodiscard]] inline Bytes& encoding_buffer() {
    constexpr std::size_t most_kept = 16 << 20;
    thread_local Bytes buffer;
    if (buffer.capacity() > most_kept) buffer = Bytes();
    buffer.clear();
    return buffer;
}

/// Puts what a task returned where its batch wants it. Throws when it does not have the declared shape.
template <class Result>
void store_result(ChunkCall& call, std::uint64_t task, Result const& result) {
    if constexpr (DenseTraits<Result>::dense || ElementRange<Result>) {
        auto const bytes = bytes_of_range(result);
        if (call.stride == 0) return call.store(call, task, bytes);
        if (bytes.size() != call.stride)
            throw std::length_error("the result has " + std::to_string(bytes.size()) +
                                    " bytes, its declared shape has " + std::to_string(call.stride));
        std::memcpy(call.slot(task), bytes.data(), bytes.size());
    } else if constexpr (PlainBytes<Result>) {
        std::memcpy(call.slot(task), &result, sizeof result);
    } else {
        auto& bytes = encoding_buffer();
        encode(result, bytes);
        call.store(call, task, bytes);
    }
}

template <class F, class Item>
void run_task(F const& f, ChunkCall& call, std::uint64_t task) {
    using Traits = TaskTraits<F, Item>;
    using Result = typename Traits::result;
    auto const with_argument = [&](auto&& use) {
        if constexpr (std::is_same_v<Item, IndexItem>) {
            use(task);
        } else if constexpr (PlainBytes<Item>) {
            use(*std::launder(reinterpret_cast<Item const*>(call.item(task).data())));
        } else {
            auto const item = decode<Item>(call.item(task));
            use(item);
        }
    };
    with_argument([&](auto const& argument) {
        constexpr auto kind = Traits::kind();
        if constexpr (kind == ResultKind::in_place) {
            using T = typename Traits::output;
            f(argument, std::span<T>(reinterpret_cast<T*>(call.slot(task)), call.stride / sizeof(T)));
        } else if constexpr (kind == ResultKind::plain) {
            ::new (call.slot(task)) Result(f(argument));
        } else {
            store_result(call, task, f(argument));
        }
    });
}

template <class F, class Item>
void run_chunk(ChunkCall& call) {
    std::add_pointer_t<F const> f = nullptr;
    for (auto task = call.first; task < call.last; ++task) {
        call.current->store(task, std::memory_order_release);
        try {
            if (f == nullptr) f = &function_of<F>(call);
            run_task<F, Item>(*f, call, task);
        } catch (...) {
            fail_with_exception(call, task);
        }
        if (call.careful) call.task_ended(call, task);
    }
    call.current->store(call.last, std::memory_order_release);
}

/// Registers run_chunk<F, Item> before main, in every program that uses it.
template <class F, class Item>
struct RegisteredTask {
    struct Name {};
    static TaskId const id;
};
template <class F, class Item>
TaskId const RegisteredTask<F, Item>::id =
    register_task(typeid(std::pair<F*, Item*>).name(), &run_chunk<F, Item>);

// What cannot be a task is refused with one message each. The compiler names the type where it says which of these
// functions it instantiates.

template <class Function>
consteval void require_that_the_function_travels() {
    static_assert(TravellingFunction<Function>,
                  "Plenum: the function object cannot travel to the executors. A lambda may capture numbers, plain "
                  "structs and SharedRefs by value: share() large data and capture its ref(). Put strings, vectors "
                  "and other containers into a struct with operator() const and serialize().");
}

template <class Item>
consteval void require_that_the_items_travel() {
    static_assert(Travels<Item>,
                  "Plenum: the items cannot travel to the executors. Use values, standard containers of values, or a "
                  "type with serialize(); not pointers, references or views such as std::string_view.");
}

template <class Function, class Item>
consteval void require_that_the_task_is_callable() {
    static_assert(!std::is_invocable_v<Function&, task_argument_t<Item>>,
                  "Plenum: the task is not const, as all tasks of an executor use one function object. Make its "
                  "operator() const, or take 'mutable' off the lambda; state between tasks belongs into WorkerState.");
    static_assert(std::is_invocable_v<Function&, task_argument_t<Item>>,
                  "Plenum: the task cannot be called with an item. It must take the item by value or by const "
                  "reference, or a std::uint64_t for a range of indices.");
}

template <class Result>
consteval void require_that_the_result_travels() {
    static_assert(!std::is_void_v<Result>,
                  "Plenum: the task returns nothing. Return a value, or write into a std::span parameter.");
    static_assert(std::is_void_v<Result> || TravellingResult<Result>,
                  "Plenum: the result cannot travel. Return values, standard containers of values, or a type "
                  "with serialize(); not pointers, references or views.");
}

/// One message that says what to do when a callable cannot be a task.
template <class F, class Item>
consteval void check_task() {
    using Traits = TaskTraits<F, Item>;
    if constexpr (!TravellingFunction<F>) require_that_the_function_travels<F>();
    else if constexpr (!Traits::item_travels) require_that_the_items_travel<Item>();
    else if constexpr (!Traits::callable) require_that_the_task_is_callable<F, Item>();
    else if constexpr (!Traits::in_place) require_that_the_result_travels<typename Traits::returned>();
}

}  // namespace plenum::detail
