// bench_peers run square: pool.map_reduce over a range of indices, or pool.imap and a sum.
#include <cstdint>
#include <functional>
#include <plenum/plenum.hpp>
#include <span>
#include <string>

#include "arrays.hpp"
#include "jobs/options.hpp"
#include "support/squares.hpp"
#include "work.hpp"

namespace bench {
namespace {

int square_job(plenum::JobContext& job) {
    bool const streamed = job.option<std::string>("mode") == "square_imap";
    auto const sum = [&](std::uint64_t count) {
        if (streamed) {
            std::uint64_t total = 0;
            for (auto const value : job.pool().imap(plenum::jobs::square, plenum::indices(count)))
                total += value;
            return total;
        }
        return job.pool().map_reduce(plenum::jobs::square, plenum::indices(count), std::uint64_t{0},
                                     std::plus<>());
    };
    (void)sum(1000);
    auto const start = now_ns();
    auto const total = sum(job.option<std::uint64_t>("items"));
    report(seconds_since(start), 0);
    save_array(job.option<std::string>("save"), std::span(&total, 1));
    return 0;
}

bool const registered = plenum::add_job({.name = "square",
                                         .summary = "the sum of many squares",
                                         .options = peer_options({"mode"}),
                                         .run = square_job});

}  // namespace
}  // namespace bench
