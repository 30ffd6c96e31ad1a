#include "wire/task_registry.hpp"

#include <dlfcn.h>

#include <cstring>
#include <map>
#include <string>

namespace plenum::wire {
namespace {

struct Entry {
    detail::ChunkFunction function;
    std::string name;
};

struct Registry {
    std::map<detail::TaskId, Entry> tasks;
    std::string clashes;
};

Registry& registry() {
    static Registry instance;
    return instance;
}

/// Where the function lies in the program or library that holds it: the same in all processes of one build.
std::uint64_t place_in_its_file(detail::ChunkFunction function) {
    auto const address = reinterpret_cast<std::uintptr_t>(function);
    Dl_info file{};
    if (::dladdr(reinterpret_cast<void const*>(address), &file) == 0) return 0;
    return address - reinterpret_cast<std::uintptr_t>(file.dli_fbase);
}

}  // namespace

detail::ChunkFunction find_task(detail::TaskId id) noexcept {
    auto const found = registry().tasks.find(id);
    return found == registry().tasks.end() ? nullptr : found->second.function;
}

std::uint64_t registry_hash() {
    std::uint64_t hash = 1;
    for (auto const& [id, entry] : registry().tasks) hash = hash_bytes(&id, sizeof id, hash);
    return hash;
}

std::string registry_clashes() {
    return registry().clashes;
}

std::uint64_t hash_bytes(void const* data, std::size_t size, std::uint64_t seed) noexcept {
    auto const* const bytes = static_cast<unsigned char const*>(data);
    for (std::size_t i = 0; i < size; ++i) seed = (seed ^ bytes[i]) * 1099511628211u;
    return seed;
}

}  // namespace plenum::wire

namespace plenum::detail {

TaskId register_task(char const* type_name, ChunkFunction function) {
    auto const place = wire::place_in_its_file(function);
    auto const id =
        wire::hash_bytes(&place, sizeof place, wire::hash_bytes(type_name, std::strlen(type_name)));
    auto const [entry, added] = wire::registry().tasks.try_emplace(id, wire::Entry{function, type_name});
    if (!added && entry->second.function != function) {
        auto& clashes = wire::registry().clashes;
        clashes += (clashes.empty() ? "" : ", ") + std::string(type_name);
    }
    return id;
}

}  // namespace plenum::detail
