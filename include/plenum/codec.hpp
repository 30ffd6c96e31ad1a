// How values travel between processes: as their bytes, as ranges of numbers, or through serialize (cereal).
#pragma once

#include <array>
#include <cereal/archives/binary.hpp>
#include <cereal/types/array.hpp>
#include <cereal/types/complex.hpp>
#include <cereal/types/deque.hpp>
#include <cereal/types/list.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/memory.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/set.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/tuple.hpp>
#include <cereal/types/unordered_map.hpp>
#include <cereal/types/unordered_set.hpp>
#include <cereal/types/utility.hpp>
#include <cereal/types/variant.hpp>
#include <cereal/types/vector.hpp>
#include <cstddef>
#include <cstring>
#include <ranges>
#include <span>
#include <streambuf>
#include <string_view>
#include <type_traits>
#include <vector>

namespace plenum::detail {

template <class T>
inline constexpr bool is_std_array = false;
template <class T, std::size_t n>
inline constexpr bool is_std_array<std::array<T, n>> = true;

/// Structs that travel as their bytes inside containers too, where cereal looks for functions of theirs.
template <class T, class Archive>
concept PlainStruct =
    std::is_class_v<T> && std::is_aggregate_v<T> && std::is_trivially_copyable_v<T> && !is_std_array<T> &&
    !cereal::traits::has_member_serialize<T, Archive>::value &&
    !cereal::traits::has_member_save<T, Archive>::value &&
    !cereal::traits::has_non_member_serialize<T, Archive>::value;

}  // namespace plenum::detail

namespace cereal {

template <class T>
requires plenum::detail::PlainStruct<T, BinaryOutputArchive>
void save(BinaryOutputArchive& archive, T const& value) {
    archive(binary_data(&value, sizeof value));
}
template <class T>
requires plenum::detail::PlainStruct<T, BinaryInputArchive>
void load(BinaryInputArchive& archive, T& value) {
    archive(binary_data(&value, sizeof value));
}

}  // namespace cereal

namespace plenum {

using Bytes = std::vector<std::byte>;
using ByteView = std::span<std::byte const>;

namespace detail {

template <class T>
inline constexpr bool is_view = false;
template <class T, std::size_t n>
inline constexpr bool is_view<std::span<T, n>> = true;
template <class C, class Traits>
inline constexpr bool is_view<std::basic_string_view<C, Traits>> = true;

/// Not inline: GCC 12 would warn of an overflow that cannot happen.
[[gnu::noinline]] inline void append_bytes(Bytes& out, void const* data, std::size_t bytes) {
    auto const* const from = static_cast<std::byte const*>(data);
    out.insert(out.end(), from, from + bytes);
}

/// Reads from bytes without copying them first.
class ViewBuffer : public std::streambuf {
public:
    explicit ViewBuffer(ByteView bytes) {
        auto* const begin = const_cast<char*>(reinterpret_cast<char const*>(bytes.data()));  // only read
        setg(begin, begin, begin + bytes.size());
    }
};

/// Appends to a byte vector.
class AppendBuffer : public std::streambuf {
public:
    explicit AppendBuffer(Bytes& out) : out_(out) {}

private:
    int_type overflow(int_type c) override {
        if (c != traits_type::eof()) out_.push_back(static_cast<std::byte>(c));
        return c;
    }
    std::streamsize xsputn(char const* text, std::streamsize n) override {
        append_bytes(out_, text, static_cast<std::size_t>(n));
        return n;
    }
    Bytes& out_;
};

}  // namespace detail

/// Travels as its bytes: trivially copyable, and neither a pointer nor a view of memory that is elsewhere.
template <class T>
concept PlainBytes = std::is_trivially_copyable_v<T> && !std::is_pointer_v<T> && !std::is_reference_v<T> &&
                     !detail::is_view<T>;

namespace detail {
template <class T>
struct ElementsTravel;
}

/// Travels through cereal: standard containers, strings, tuples, and user types with serialize().
template <class T>
concept Serializable =
    !PlainBytes<T> && !detail::is_view<T> && !std::is_pointer_v<T> && detail::ElementsTravel<T>::value &&
    cereal::traits::is_output_serializable<T, cereal::BinaryOutputArchive>::value &&
    cereal::traits::is_input_serializable<T, cereal::BinaryInputArchive>::value;

/// Can be an argument, a captured object or a result of a task.
template <class T>
concept Travels = PlainBytes<T> || Serializable<T>;

namespace detail {
/// cereal takes a container for serialisable whatever its elements are, and fails inside itself.
template <class T>
struct ElementsTravel : std::true_type {};
template <std::ranges::range T>
requires(!std::is_same_v<std::ranges::range_value_t<T>, T>) struct ElementsTravel<T>
    : std::bool_constant<Travels<std::ranges::range_value_t<T>>> {
};
template <class... T>
struct ElementsTravel<std::tuple<T...>> : std::bool_constant<(Travels<std::remove_const_t<T>> && ...)> {};
template <class A, class B>
struct ElementsTravel<std::pair<A, B>> : ElementsTravel<std::tuple<A, B>> {};
}  // namespace detail

/// Appends the bytes of `value` to `out`. Cost: one copy.
template <Travels T>
void encode(T const& value, Bytes& out) {
    if constexpr (PlainBytes<T>) {
        detail::append_bytes(out, &value, sizeof(T));
    } else {
        detail::AppendBuffer buffer(out);
        std::ostream stream(&buffer);
        cereal::BinaryOutputArchive archive(stream);
        archive(value);
    }
}

/// The value whose bytes `encode` wrote. Throws when the bytes are too few.
template <Travels T>
[[nodiscard]] T decode(ByteView bytes) {
    if constexpr (PlainBytes<T>) {
        if (bytes.size() < sizeof(T)) throw std::length_error("too few bytes to decode");
        alignas(T) std::byte storage[sizeof(T)];
        std::memcpy(storage, bytes.data(), sizeof(T));
        return *std::launder(reinterpret_cast<T const*>(storage));
    } else {
        detail::ViewBuffer buffer(bytes);
        std::istream stream(&buffer);
        cereal::BinaryInputArchive archive(stream);
        T value;
        archive(value);
        return value;
    }
}

}  // namespace plenum
