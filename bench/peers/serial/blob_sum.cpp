// Sums of one array that plain processes share.
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <numeric>
#include <span>

#include "arrays.hpp"
#include "serial/programs.hpp"
#include "work.hpp"

namespace bench {

void blob_sum(Parameters const& parameters) {
    auto const count = parameters.number("count"), items = parameters.number("items");
    auto const workers = parameters.number("workers");
    auto* const blob = reinterpret_cast<std::int64_t*>(shared_numbers(count));
    read_array(std::filesystem::path(parameters.text("folder")) / "blob.i64", std::span(blob, count));
    auto* const sums = reinterpret_cast<std::int64_t*>(shared_numbers(items));
    auto const add_up = [&](std::uint64_t first, std::uint64_t last) {
        for (auto i = first; i < last; ++i) {
            sums[i] = std::accumulate(blob, blob + count, std::int64_t{0});
            asm volatile("" ::: "memory");  // once for each item
        }
    };
    (void)in_processes(workers, [&](std::uint64_t) { add_up(0, 1); });
    auto const seconds = in_processes(
        workers, [&](std::uint64_t k) { add_up(items * k / workers, items * (k + 1) / workers); });
    report(seconds, 0);
    save_array(parameters.text("save"), std::span<std::int64_t const>(sums, items));
}

}  // namespace bench
