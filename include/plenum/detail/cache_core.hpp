// What the templates of plenum::Memory ask of the compiled cache, and where hits and misses are counted.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <plenum/codec.hpp>
#include <string>
#include <string_view>

namespace plenum {

/// What Memory::reduce_size leaves at most; a limit that is not given does not count.
struct CacheLimits {
    std::optional<std::uint64_t> bytes = {};         ///< of the file: values, and 72 to 79 bytes for each
    std::optional<std::uint64_t> items = {};         ///< results
    std::optional<std::chrono::seconds> age = {};    ///< since a result was written
};

namespace detail {

/// Calls of cached functions. All zero bytes is a valid start.
struct CacheUse {
    std::atomic<std::uint64_t> hits, misses;
    std::atomic<std::uint64_t> unkept;  ///< misses whose results could not be written
};

/// Where calls of this thread count, and of threads that have no place of their own: in node memory for an
/// executor, so that the numbers survive it. Null, as at the start: in this process.
void count_cache_use_in(CacheUse* use) noexcept;
/// What was counted in this process and not in a place given to count_cache_use_in.
[[nodiscard]] CacheUse const& own_cache_use() noexcept;
void count_cache_hit() noexcept;
void count_cache_miss() noexcept;

using CacheKey = std::array<std::byte, 32>;

/// BLAKE2b-256 of the function's name and version, and of `call`: types and bytes of result and arguments.
[[nodiscard]] CacheKey cache_key(std::string_view name, std::int64_t version, ByteView call) noexcept;
[[nodiscard]] std::optional<Bytes> find_in_cache(std::string_view folder, CacheKey const& key) noexcept;
/// What cannot be kept is counted, and told once per process and folder on standard error.
void keep_in_cache(std::string_view folder, std::string_view name, CacheKey const& key, ByteView value) noexcept;

/// The absolute path of the folder, which is made when missing. Throws EnvironmentError.
[[nodiscard]] std::string make_cache_folder(std::string const& folder);
std::uint64_t clear_cache(std::string_view folder, std::optional<std::string_view> name);
std::uint64_t reduce_cache(std::string_view folder, CacheLimits const& limits);

}  // namespace detail
}  // namespace plenum
