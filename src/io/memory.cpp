// The cache behind plenum::Memory: one store per folder and process, warnings, counters.
#include <fmt/format.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <plenum/detail/cache_core.hpp>
#include <plenum/error.hpp>
#include <set>
#include <system_error>

#include "base/blake2b.hpp"
#include "io/cache_store.hpp"

namespace plenum {
namespace {

thread_local detail::CacheUse* use_of_thread = nullptr;
std::atomic<detail::CacheUse*> use_of_process = nullptr;
detail::CacheUse own_use{};

detail::CacheUse& use() noexcept {
    if (use_of_thread != nullptr) return *use_of_thread;
    auto* const given = use_of_process.load(std::memory_order_acquire);
    return given != nullptr ? *given : own_use;
}

/// What a process has open. Never destroyed: threads may use it until the process ends.
struct OpenFolders {
    std::mutex mutex;
    std::map<std::string, std::unique_ptr<io::CacheStore>, std::less<>> stores;
    std::set<std::string, std::less<>> warned;
};

OpenFolders& open_folders() {
    static auto& folders = *new OpenFolders;
    return folders;
}

io::CacheStore& store_of(std::string_view folder) {
    auto& open = open_folders();
    std::lock_guard const guard(open.mutex);
    auto found = open.stores.find(folder);
    if (found == open.stores.end())
        found = open.stores.emplace(folder, std::make_unique<io::CacheStore>(std::string(folder))).first;
    return *found->second;
}

void warn_once(std::string_view folder, std::string_view problem) {
    auto& open = open_folders();
    {
        std::lock_guard const guard(open.mutex);
        if (!open.warned.insert(std::string(folder)).second) return;
    }
    auto const line = fmt::format(
        "plenum: warning: the cache keeps no results: {}; make room, change its permissions or choose "
        "another "
        "folder\n",
        problem);
    std::fwrite(line.data(), 1, line.size(), stderr);
    std::fflush(stderr);
}

std::uint64_t hash_of_name(std::string_view name) {
    return io::beginning_of(base::blake2b(std::as_bytes(std::span(name))));
}

}  // namespace

namespace detail {

void count_cache_use_in(CacheUse* place) noexcept {
    use_of_thread = place;
    use_of_process.store(place, std::memory_order_release);
}

CacheUse const& own_cache_use() noexcept {
    return own_use;
}

void count_cache_hit() noexcept {
    use().hits.fetch_add(1, std::memory_order_relaxed);
}

void count_cache_miss() noexcept {
    use().misses.fetch_add(1, std::memory_order_relaxed);
}

CacheKey cache_key(std::string_view name, std::int64_t version, ByteView call) noexcept {
    // Lengths come first, so that no two different keys have the same bytes. The call is hashed by itself, so
    // that large arguments are not copied.
    Bytes all;
    auto const length = name.size();
    append_bytes(all, &length, sizeof length);
    append_bytes(all, name.data(), name.size());
    append_bytes(all, &version, sizeof version);
    auto const of_call = base::blake2b(call);
    append_bytes(all, of_call.data(), of_call.size());
    return base::blake2b(all);
}

std::optional<Bytes> find_in_cache(std::string_view folder, CacheKey const& key) noexcept {
    try {
        return store_of(folder).find(key);
    } catch (std::exception const&) {  // out of memory for it: it is computed
        return std::nullopt;
    }
}

void keep_in_cache(std::string_view folder, std::string_view name, CacheKey const& key,
                   ByteView value) noexcept {
    try {
        auto const problem = store_of(folder).keep(key, hash_of_name(name), value);
        if (problem.empty()) return;
        use().unkept.fetch_add(1, std::memory_order_relaxed);
        warn_once(folder, problem);
    } catch (std::exception const&) {
        use().unkept.fetch_add(1, std::memory_order_relaxed);
    }
}

std::string make_cache_folder(std::string const& folder) {
    if (folder.empty()) throw UsageError("the cache's folder has no name (an empty text); name a folder");
    std::error_code error;
    auto path = std::filesystem::absolute(folder, error).lexically_normal().string();
    if (!error) std::filesystem::create_directories(path, error);
    if (!error && !std::filesystem::is_directory(path, error) && !error)
        error = std::make_error_code(std::errc::not_a_directory);
    if (error)
        throw EnvironmentError(fmt::format(
            "{}: the cache's folder cannot be made ({}); choose another folder", folder, error.message()));
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    return path;
}

std::uint64_t clear_cache(std::string_view folder, std::optional<std::string_view> name) {
    auto& store = store_of(folder);
    return name ? store.remove(hash_of_name(*name)) : store.remove_all();
}

std::uint64_t reduce_cache(std::string_view folder, CacheLimits const& limits) {
    return store_of(folder).reduce(limits);
}

}  // namespace detail
}  // namespace plenum
