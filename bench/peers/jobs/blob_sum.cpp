// bench_peers run blob_sum: one shared array that every task adds up.
#include <cstdint>
#include <filesystem>
#include <numeric>
#include <plenum/plenum.hpp>
#include <span>
#include <string>

#include "arrays.hpp"
#include "jobs/options.hpp"
#include "work.hpp"

namespace bench {
namespace {

int blob_sum_job(plenum::JobContext& job) {
    std::filesystem::path const folder = job.option<std::string>("folder");
    auto const blob = job.pool().share_filled<std::int64_t>(
        job.option<std::uint64_t>("count"),
        [&](std::span<std::int64_t> out) { read_array(folder / "blob.i64", out); });
    auto const task = [blob = blob.ref()](std::uint64_t) {
        return std::accumulate(blob.span().begin(), blob.span().end(), std::int64_t{0});
    };
    (void)job.pool().map(task, plenum::indices(job.option<std::uint64_t>("workers")));
    auto const start = now_ns();
    auto const sums = job.pool().map(task, plenum::indices(job.option<std::uint64_t>("items")));
    report(seconds_since(start), 0);
    save_array(job.option<std::string>("save"), sums.span());
    return 0;
}

bool const registered = plenum::add_job({.name = "blob_sum",
                                         .summary = "sums of one shared array",
                                         .options = peer_options({"count"}),
                                         .run = blob_sum_job});

}  // namespace
}  // namespace bench
