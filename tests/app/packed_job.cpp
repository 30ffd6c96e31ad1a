// A job with large results of fixed shape, some of whose tasks fail, and what comes after them.
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <plenum/plenum.hpp>
#include <span>
#include <stdexcept>
#include <thread>
#include <vector>

namespace {

/// Of ten tasks: 3 throws, 5 crashes, 7 ends its process, 9 hangs.
void misbehave(std::uint64_t task) {
    if (task % 10 == 3) throw std::runtime_error("no luck with " + std::to_string(task));
    if (task % 10 == 5) std::raise(SIGSEGV);
    if (task % 10 == 7) ::_exit(7);
    while (task % 10 == 9) std::this_thread::sleep_for(std::chrono::seconds(1));
}

int run(plenum::JobContext& job) {
    job.results().map(
        "written",
        [](std::uint64_t task, std::span<double> out) {
            for (std::size_t i = 0; i < out.size(); ++i) out[i] = std::sqrt(static_cast<double>(task * out.size() + i));
            misbehave(task);
        },
        plenum::indices(20), {.shape = {100, 101}});
    job.results().map(
        "returned",
        [](std::uint64_t task) {
            misbehave(task);
            return std::vector<std::uint16_t>(700'001, static_cast<std::uint16_t>(task));
        },
        plenum::indices(20), {.shape = {700'001}, .tasks_per_executor = 3});
    // Too large for --task-memory where it is compressed.
    auto const large = job.option<std::uint64_t>("large");
    job.results().map(
        "large",
        [](std::uint64_t task, std::span<std::uint8_t> out) {
            for (auto& each : out) each = static_cast<std::uint8_t>(task + 1);
        },
        plenum::indices(large == 0 ? 0 : 3), {.shape = {large == 0 ? 1 : large}});
    job.results().map(
        "after",
        [](std::uint64_t task) {
            std::vector<char> const memory(20'000'000, static_cast<char>(task));
            return static_cast<double>(memory[task * 1000]);
        },
        plenum::indices(20));
    return 0;
}

[[maybe_unused]] auto const registered = plenum::add_job(
    {.name = "packed",
     .summary = "large results, and tasks that fail",
     .options = {{.name = "large", .placeholder = "BYTES", .default_value = "0", .help = "of a result of the map large"}},
     .run = run});

}  // namespace
