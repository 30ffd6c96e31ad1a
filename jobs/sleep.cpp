// The job sleep: tasks that sleep, equal or unequal ones, to see what the schedule makes of them.
#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <plenum/error.hpp>
#include <plenum/job.hpp>
#include <plenum/pool.hpp>
#include <string>
#include <thread>

#include "support/index_scale.hpp"
#include "support/sleep_plan.hpp"

namespace plenum::jobs {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double sleep_measured(double seconds) {
    auto const start = std::chrono::steady_clock::now();
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    return seconds_since(start);
}

SleepPlan plan_of(JobContext& job) {
    return plan_sleep({.tasks = job.option<std::uint64_t>("tasks"),
                       .seconds = job.option<double>("seconds"),
                       .list = job.option<std::string>("list"),
                       .pattern = job.option<std::string>("pattern"),
                       .tasks_given = job.given("tasks"),
                       .seconds_given = job.given("seconds")});
}

void verify(JobContext& job, SleepPlan const& plan) {
    auto const slept = job.results().read<double>("slept", 0, plan.tasks);
    for (std::uint64_t task = 0; task < plan.tasks; ++task) {
        auto const wanted = plan.unequal.empty() ? plan.each : plan.unequal[task];
        if (slept[task] >= wanted) continue;
        throw Error(ExitCode::tasks_failed,
                    fmt::format("verify: task {} slept {} s in place of {} s; do not use these results", task,
                                slept[task], wanted));
    }
    job.say(fmt::format("verify: all {} tasks slept as long as they were asked to", plan.tasks));
}

int run_sleep(JobContext& job) {
    auto const plan = plan_of(job);
    ResultOptions options{
        .version = 1,
        .dimensions = {"task"},
        .units = "s",
        .attributes = {{"long_name", "measured time asleep"}, {"requested_total", plan.total()}}};
    if (plan.unequal.empty()) {
        options.attributes.push_back({"requested", plan.each});
        options.scales = {index_scale(0, "task", plan.tasks)};
    } else {
        options.scales = {{.dimension = 0, .name = "requested", .values = plan.unequal, .units = "s"}};
    }
    job.say(fmt::format("{} tasks that sleep {:.6g} s in all, the longest {:.6g} s", plan.tasks, plan.total(),
                        plan.longest()));
    auto const start = std::chrono::steady_clock::now();
    auto const map = [&](auto const& task, auto const& items) {
        job.results().map("slept", task, items, options);
    };
    if (plan.unequal.empty())
        map([each = plan.each](std::uint64_t) { return sleep_measured(each); }, indices(plan.tasks));
    else
        map([](double seconds) { return sleep_measured(seconds); }, plan.unequal);
    if (job.dry_run()) return 0;
    auto const elapsed = seconds_since(start);
    job.say(fmt::format("slept {:.6g} s in {:.3f} s: like {:.2f} sleepers all the time", plan.total(),
                        elapsed, plan.total() / elapsed));
    if (job.option<bool>("verify")) verify(job, plan);
    return 0;
}

auto const registered = add_job(
    {.name = "sleep",
     .summary = "sleep in many tasks, equal or unequal ones, and measure the schedule",
     .options = {{.name = "tasks", .placeholder = "N", .default_value = "1000", .help = "number of tasks"},
                 {.name = "seconds",
                  .placeholder = "S",
                  .default_value = "0.1",
                  .help = "how long each task sleeps, in seconds"},
                 {.name = "list",
                  .placeholder = "S,S,...",
                  .help = "one task for each of these times instead, in seconds"},
                 {.name = "pattern",
                  .placeholder = "NAME",
                  .help = "a built-in list instead: uneven16 (16 sleeps of 0.1 to 1.2 s)"},
                 {.name = "verify", .help = "compare the measured times with those asked for"}},
     .run = run_sleep,
     .example = "mpirun -n 4 plenum run sleep --pattern uneven16 --schedule ss"});

}  // namespace
}  // namespace plenum::jobs
