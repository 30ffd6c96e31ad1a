// A job that takes its time, for runs to which something happens meanwhile.
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <plenum/plenum.hpp>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

/// What each task does before it has a result.
struct Delay {
    std::chrono::duration<double> pause;
    bool stubborn;
    std::array<char, 256> hurry;

    void pass() const {
        if (hurry[0] != 0 && ::access(hurry.data(), F_OK) == 0) return;
        if (!stubborn) return std::this_thread::sleep_for(pause);
        sigset_t all, before;
        ::sigfillset(&all);
        ::sigprocmask(SIG_SETMASK, &all, &before);
        for (auto const end = Clock::now() + pause; Clock::now() < end;) {
        }
        ::sigprocmask(SIG_SETMASK, &before, nullptr);
    }
};

int run_slow(plenum::JobContext& job) {
    auto const tasks = plenum::indices(job.option<std::uint64_t>("tasks"));
    auto const values = job.option<std::uint64_t>("values");
    Delay delay{std::chrono::duration<double>(job.option<double>("seconds")), job.given("stubborn"), {}};
    if (job.given("hurry")) {
        auto const file = job.option<std::string>("hurry");
        if (file.size() >= delay.hurry.size()) throw plenum::UsageError("--hurry: use a shorter name");
        file.copy(delay.hurry.data(), file.size());
    }
    job.results().map(
        "fixed",
        [delay](std::uint64_t task) {
            delay.pass();
            return task * task;
        },
        tasks);
    job.results().map(
        "ragged",
        [delay, values](std::uint64_t task) {
            delay.pass();
            return std::vector<std::uint64_t>(task % 4 * values, task);
        },
        tasks);
    return 0;
}

[[maybe_unused]] auto const registered = plenum::add_job(
    {.name = "slow",
     .summary = "tasks that take their time, in two maps",
     .options = {{.name = "tasks", .placeholder = "N", .default_value = "200", .help = "of each map"},
                 {.name = "seconds", .placeholder = "S", .default_value = "0.05", .help = "of each task"},
                 {.name = "values",
                  .placeholder = "N",
                  .default_value = "1",
                  .help = "a result of the second map has up to three times that many"},
                 {.name = "stubborn", .help = "tasks block all signals and use the processor"},
                 {.name = "hurry", .placeholder = "FILE", .help = "tasks take no time once FILE is there"}},
     .run = run_slow});

}  // namespace
