#include "base/cores.hpp"

#include <dlfcn.h>
#include <hwloc.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

namespace plenum::base {
namespace {

struct DestroyTopology {
    void operator()(hwloc_topology* topology) const noexcept { hwloc_topology_destroy(topology); }
};
struct FreeBitmap {
    void operator()(hwloc_bitmap_s* bitmap) const noexcept { hwloc_bitmap_free(bitmap); }
};
constexpr std::array thread_variables{"OMP_NUM_THREADS",  "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
                                      "BLIS_NUM_THREADS", "NUMEXPR_NUM_THREADS",  "VECLIB_MAXIMUM_THREADS"};

using Bitmap = std::unique_ptr<hwloc_bitmap_s, FreeBitmap>;

}  // namespace

CoreReport report_cores() {
    hwloc_topology_t raw = nullptr;
    if (hwloc_topology_init(&raw) != 0) return {};
    std::unique_ptr<hwloc_topology, DestroyTopology> const topology(raw);
    // The load is faster without caches and devices. Cores of one thread add no structure, so they are asked
    // for.
    hwloc_topology_set_all_types_filter(raw, HWLOC_TYPE_FILTER_KEEP_STRUCTURE);
    hwloc_topology_set_type_filter(raw, HWLOC_OBJ_CORE, HWLOC_TYPE_FILTER_KEEP_ALL);
    if (hwloc_topology_load(raw) != 0) return {};
    Bitmap const allowed(hwloc_bitmap_alloc()), cores(hwloc_bitmap_alloc());
    if (hwloc_get_cpubind(raw, allowed.get(), HWLOC_CPUBIND_PROCESS) != 0)
        hwloc_bitmap_copy(allowed.get(), hwloc_topology_get_allowed_cpuset(raw));
    CoreReport report;
    report.node_cores = std::max(0, hwloc_get_nbobjs_by_type(raw, HWLOC_OBJ_CORE));
    for (int i = 0; i < report.node_cores; ++i) {
        auto const* const core = hwloc_get_obj_by_type(raw, HWLOC_OBJ_CORE, static_cast<unsigned>(i));
        if (hwloc_bitmap_intersects(core->cpuset, allowed.get()) != 0)
            hwloc_bitmap_set(cores.get(), core->logical_index);
    }
    report.count = std::max(0, hwloc_bitmap_weight(cores.get()));
    char* text = nullptr;
    if (hwloc_bitmap_list_asprintf(&text, cores.get()) >= 0 && text != nullptr) report.cores = text;
    std::free(text);
    return report;
}

void limit_library_threads(int threads, bool over_users) {
    auto const text = std::to_string(threads);
    for (auto const* const variable : thread_variables) ::setenv(variable, text.c_str(), over_users ? 1 : 0);
    // A library that is loaded already has read its variable; it is told directly.
    struct Setter {
        char const *function, *variable;
    };
    static constexpr std::array setters{Setter{"omp_set_num_threads", "OMP_NUM_THREADS"},
                                        Setter{"openblas_set_num_threads", "OPENBLAS_NUM_THREADS"}};
    for (auto const& [function, variable] : setters)
        if (auto* const call = reinterpret_cast<void (*)(int)>(::dlsym(RTLD_DEFAULT, function));
            call != nullptr)
            if (auto const* const set = std::getenv(variable); set != nullptr && set == text) call(threads);
}

int library_threads(int threads) {
    int most = threads;
    for (auto const* const variable : thread_variables)
        if (auto const* const set = std::getenv(variable); set != nullptr)
            most = std::max(most, std::atoi(set));
    return most;
}

}  // namespace plenum::base
