// What is refused at run time before anything travels: calls inside tasks, captured addresses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace plenum::detail {

/// Throws UsageError where a task runs; `what`: "a map". A few ns elsewhere.
void refuse_inside_task(char const* what);

/// Whether bytes between the members of an object were set to zero before it is looked at. Where they were not
/// (compilers without __builtin_clear_padding) they may hold halves of old addresses.
enum class Padding { cleared, unknown };

/// Throws UsageError when one of the `count` words is the address of memory of this process.
void refuse_mapped_words(std::byte const* words, std::size_t count, Padding padding);

/// Looks for captures by reference and pointers: aligned words of the object that are addresses of mapped memory
/// would point to something else in an executor. About 2 ns a word; 1 us for a word that could be an address by
/// its size (2^40 to 2^56) and is none. A number that happens to be an address is refused too. With 100 GiB in use that
/// is one of 10^8 random 64-bit numbers; doubles of ordinary size and counts below 10^12 never are; two 32-bit
/// numbers side by side may be when the second is near 22,000 or 32,700 (the upper halves of addresses) and the first
/// falls into memory in use: capture 64-bit numbers then.
inline void refuse_addresses(std::byte const* object, std::size_t bytes, Padding padding) {
    auto const count = bytes / sizeof(std::uint64_t);
    for (std::size_t i = 0; i < count; ++i) {
        std::uint64_t word = 0;
        std::memcpy(&word, object + i * sizeof word, sizeof word);
        if (word >> 40 != 0 && word >> 56 == 0) return refuse_mapped_words(object, count, padding);
    }
}

/// Where a function lies in the program, the same number in every process that runs the same build. Throws UsageError
/// for functions of shared libraries.
[[nodiscard]] std::int64_t place_of_function(void const* function);
/// The function at that place in this process.
[[nodiscard]] void const* function_at(std::int64_t place) noexcept;

}  // namespace plenum::detail
