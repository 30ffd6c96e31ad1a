// bench_peers run apply_async: single calls, some in flight.
#include <algorithm>
#include <cstdint>
#include <plenum/plenum.hpp>
#include <span>
#include <string>
#include <vector>

#include "arrays.hpp"
#include "jobs/options.hpp"
#include "work.hpp"

namespace bench {
namespace {

int apply_async_job(plenum::JobContext& job) {
    auto const items = job.option<std::uint64_t>("items"), in_flight = job.option<std::uint64_t>("window");
    auto const run = [&](std::uint64_t calls) {
        std::vector<std::uint64_t> results;
        std::vector<plenum::Future<std::uint64_t>> waiting;
        for (std::uint64_t first = 0; first < calls; first += in_flight) {
            for (auto x = first; x < std::min(first + in_flight, calls); ++x)
                waiting.push_back(job.pool().apply_async(square, x));
            for (auto& future : waiting) results.push_back(future.get());
            waiting.clear();
        }
        return results;
    };
    (void)run(std::min<std::uint64_t>(200, items));
    auto const start = now_ns();
    auto const results = run(items);
    report(seconds_since(start), 0);
    save_array(job.option<std::string>("save"), std::span<std::uint64_t const>(results));
    return 0;
}

bool const registered = plenum::add_job({.name = "apply_async",
                                         .summary = "single calls",
                                         .options = peer_options({"window"}),
                                         .run = apply_async_job});

}  // namespace
}  // namespace bench
