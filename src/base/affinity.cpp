#include "base/affinity.hpp"

#include <sched.h>

#include <bit>
#include <memory>

namespace plenum::base {
namespace {

constexpr std::size_t processors_most = 64 * 64;

struct FreeSet {
    void operator()(cpu_set_t* set) const noexcept { CPU_FREE(set); }
};
using Set = std::unique_ptr<cpu_set_t, FreeSet>;

}  // namespace

void ProcessorMask::add_own() noexcept {
    Set const set(CPU_ALLOC(processors_most));
    auto const bytes = CPU_ALLOC_SIZE(processors_most);
    if (!set || ::sched_getaffinity(0, bytes, set.get()) != 0) return;
    for (std::size_t p = 0; p < processors_most; ++p)
        if (CPU_ISSET_S(p, bytes, set.get())) words[p / 64].fetch_or(std::uint64_t{1} << p % 64);
}

int ProcessorMask::count() const noexcept {
    int all = 0;
    for (auto const& word : words) all += std::popcount(word.load());
    return all;
}

void ProcessorMask::apply_to_thread() const noexcept {
    Set const set(CPU_ALLOC(processors_most));
    auto const bytes = CPU_ALLOC_SIZE(processors_most);
    if (!set) return;
    CPU_ZERO_S(bytes, set.get());
    bool any = false;
    for (std::size_t p = 0; p < processors_most; ++p)
        if ((words[p / 64].load() >> p % 64 & 1u) != 0) {
            CPU_SET_S(p, bytes, set.get());
            any = true;
        }
    if (any) (void)::sched_setaffinity(0, bytes, set.get());
}

}  // namespace plenum::base
