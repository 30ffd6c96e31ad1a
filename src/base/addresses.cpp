#include <fmt/format.h>
#include <link.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <optional>
#include <plenum/detail/refusals.hpp>
#include <plenum/error.hpp>
#include <string>

#include "base/memory_limits.hpp"

namespace plenum {
namespace {

/// Mappings of this size are what sanitizers keep notes in; nothing of the program lies there.
constexpr std::uintptr_t sanitizer_memory = std::uintptr_t{1} << 41;

/// A line of /proc/self/maps.
struct Mapping {
    std::uintptr_t begin = 0, end = 0;
    bool readable = false, writable = false, shared = false;
    std::string path;  ///< of a file, "[heap]", "[stack]", or empty
};

/// About 0.1 ms.
std::optional<Mapping> mapping_of(std::uintptr_t address) {
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        Mapping mapping;
        char access[5] = {};
        int path = 0;
        if (std::sscanf(line.c_str(), "%zx-%zx %4s %*s %*s %*s %n", &mapping.begin, &mapping.end, access,
                        &path) < 3 ||
            address < mapping.begin || address >= mapping.end)
            continue;
        mapping.readable = access[0] == 'r';
        mapping.writable = access[1] == 'w';
        mapping.shared = access[3] == 's';
        if (path > 0) mapping.path = line.substr(std::min(static_cast<std::size_t>(path), line.size()));
        return mapping;
    }
    return std::nullopt;
}

enum class Page { unmapped, untouched, touched };

Page page_of(std::uintptr_t address) {
    auto const page = base::page_size();
    unsigned char present = 0;
    if (::mincore(reinterpret_cast<void*>(address / page * page), 1, &present) != 0) return Page::unmapped;
    return (present & 1) != 0 ? Page::touched : Page::untouched;
}

[[noreturn]] void refuse(std::size_t word, Mapping const& mapping, bool on_stack) {
    auto const say = [word](std::string_view guess, std::string_view where, std::string_view way_out) {
        throw UsageError(fmt::format("the task captures {}? (word {} of the function object points {}); {}",
                                     guess, word, where, way_out));
    };
    if (mapping.shared)
        say("a pointer or view",
            "into an array or results in node memory, which lie elsewhere in other processes",
            "capture array.ref() by value");
    if (!mapping.writable)
        say("a pointer",
            fmt::format("to code or constants of {}, which lie elsewhere on other nodes", mapping.path),
            "call the function, or write the text, inside the lambda");
    std::string_view const way_out = "capture values with [=], and share() large data";
    if (on_stack) say("by reference", "into the stack of rank 0, which executors do not see", way_out);
    if (mapping.path.starts_with('/'))
        say("a pointer", "to global variables of rank 0, which executors do not see", way_out);
    say("by reference or a pointer or view", "to memory of rank 0, which executors do not see", way_out);
    __builtin_unreachable();
}

/// The program itself: its load address and the extent of its executable segments.
struct ProgramCode {
    std::uintptr_t base = 0, begin = UINTPTR_MAX, end = 0;
};

/// Stops at the first object, which is the program.
int find_code(dl_phdr_info* info, std::size_t, void* result) {
    auto& code = *static_cast<ProgramCode*>(result);
    code.base = info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum; ++i) {
        auto const& header = info->dlpi_phdr[i];
        if (header.p_type != PT_LOAD || (header.p_flags & PF_X) == 0) continue;
        code.begin = std::min<std::uintptr_t>(code.begin, code.base + header.p_vaddr);
        code.end = std::max<std::uintptr_t>(code.end, code.base + header.p_vaddr + header.p_memsz);
    }
    return 1;
}

ProgramCode const& program_code() {
    static auto const code = [] {
        ProgramCode found;
        ::dl_iterate_phdr(&find_code, &found);
        return found;
    }();
    return code;
}

}  // namespace

void detail::refuse_mapped_words(std::byte const* words, std::size_t count, Padding padding) {
    auto const here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    for (std::size_t i = 0; i < count; ++i) {
        std::uint64_t word = 0;
        std::memcpy(&word, words + i * sizeof word, sizeof word);
        if (word >> 40 == 0 || word >> 56 != 0) continue;
        auto const page = page_of(word);
        if (page == Page::unmapped) continue;
        auto const mapping = mapping_of(word);
        if (!mapping || !mapping->readable || mapping->end - mapping->begin > sanitizer_memory) continue;
        // Node memory is a large range of addresses of which little is in use.
        if (mapping->shared && page != Page::touched) continue;
        bool const on_stack = here >= mapping->begin && here < mapping->end;
        // Half of an old address in the padding, and a number beside it, can look like an address anywhere
        // but for the few pages of the stack that are in use.
        if (padding == Padding::unknown && (!on_stack || word < here)) continue;
        refuse(i, *mapping, on_stack || mapping->path == "[stack]");
    }
}

std::int64_t detail::place_of_function(void const* function) {
    auto const address = reinterpret_cast<std::uintptr_t>(function);
    auto const& code = program_code();
    if (address < code.begin || address >= code.end)
        throw UsageError(
            "a function of a shared library cannot travel (it lies elsewhere in other processes); call it "
            "from a lambda: [](auto const& x) { return f(x); }");
    return static_cast<std::int64_t>(address - code.base);
}

void const* detail::function_at(std::int64_t place) noexcept {
    return reinterpret_cast<void const*>(program_code().base + static_cast<std::uintptr_t>(place));
}

}  // namespace plenum
