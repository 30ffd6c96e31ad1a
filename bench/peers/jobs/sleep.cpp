// bench_peers run sleep: pool.map over tasks that sleep.
#include <chrono>
#include <cstdint>
#include <plenum/plenum.hpp>
#include <string>
#include <thread>

#include "arrays.hpp"
#include "jobs/options.hpp"
#include "work.hpp"

namespace bench {
namespace {

int sleep_job(plenum::JobContext& job) {
    auto const task = [seconds = job.option<double>("seconds")](std::uint64_t) {
        auto const start = now_ns();
        std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
        return seconds_since(start);
    };
    (void)job.pool().map(task, plenum::indices(job.option<std::uint64_t>("workers")));
    auto const start = now_ns();
    auto const slept = job.pool().map(task, plenum::indices(job.option<std::uint64_t>("items")));
    report(seconds_since(start), 0);
    save_array(job.option<std::string>("save"), slept.span());
    return 0;
}

bool const registered = plenum::add_job(
    {.name = "sleep", .summary = "tasks that sleep", .options = peer_options({"seconds"}), .run = sleep_job});

}  // namespace
}  // namespace bench
