// A job that takes its time without using the processor, for runs to which something happens meanwhile.
#include <chrono>
#include <cstdint>
#include <plenum/plenum.hpp>
#include <thread>
#include <vector>

namespace {

int run_slow(plenum::JobContext& job) {
    auto const tasks = plenum::indices(job.option<std::uint64_t>("tasks"));
    auto const pause = std::chrono::duration<double>(job.option<double>("seconds"));
    job.results().map(
        "fixed",
        [pause](std::uint64_t task) {
            std::this_thread::sleep_for(pause);
            return task * task;
        },
        tasks);
    job.results().map(
        "ragged",
        [pause](std::uint64_t task) {
            std::this_thread::sleep_for(pause);
            return std::vector<std::uint64_t>(task % 4, task);
        },
        tasks);
    return 0;
}

[[maybe_unused]] auto const registered = plenum::add_job(
    {.name = "slow",
     .summary = "tasks that sleep, in two maps",
     .options = {{.name = "tasks", .placeholder = "N", .default_value = "200", .help = "of each map"},
                 {.name = "seconds", .placeholder = "S", .default_value = "0.05", .help = "of each task"}},
     .run = run_slow});

}  // namespace
