// The sum of the squares of a range, in plain processes.
#include <cstdint>
#include <numeric>
#include <span>

#include "arrays.hpp"
#include "serial/programs.hpp"
#include "work.hpp"

namespace bench {

void square(Parameters const& parameters) {
    auto const items = parameters.number("items"), workers = parameters.number("workers");
    auto* const sums = shared_numbers(workers);
    auto const seconds = in_processes(workers, [&](std::uint64_t k) {
        std::uint64_t sum = 0;
        for (auto i = items * k / workers; i < items * (k + 1) / workers; ++i) sum += i * i;
        sums[k] = sum;
    });
    report(seconds, 0);
    auto const total = std::accumulate(sums, sums + workers, std::uint64_t{0});
    save_array(parameters.text("save"), std::span(&total, 1));
}

}  // namespace bench
