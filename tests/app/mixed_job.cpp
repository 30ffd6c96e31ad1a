// A job for the tests of commands on files: fixed and varying results, inputs, failures that can be mended.
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <numeric>
#include <plenum/job.hpp>
#include <plenum/pool.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Square {
    double pause = 0;
    std::string fails_while;  // a file exists
    template <class Archive>
    void serialize(Archive& archive) {
        archive(pause, fails_while);
    }
    double operator()(std::uint64_t task) const {
        std::this_thread::sleep_for(std::chrono::duration<double>(pause));
        if (task % 7 == 3 && !fails_while.empty() && std::filesystem::exists(fails_while))
            throw std::runtime_error("no root for \"" + std::to_string(task) + "\", sorry");
        if (task == 5) std::puts("five speaks");
        return static_cast<double>(task * task);
    }
};

struct Speaker {
    void speak() const { std::puts("an actor speaks"); }
};

int run_mixed(plenum::JobContext& job) {
    auto const tasks = job.option<std::uint64_t>("tasks");
    if (job.given("actor")) job.pool().actor<Speaker>().call<&Speaker::speak>().get();
    std::vector<double> values(tasks);
    std::iota(values.begin(), values.end(), 0.5);
    job.results().write("inputs/values", std::span<double const>(values), {tasks},
                        {{"units", std::string("m")}});
    job.results().map(
        "squares",
        Square{.pause = job.option<double>("pause"), .fails_while = job.option<std::string>("fails-while")},
        plenum::indices(tasks),
        {.dimensions = {"case"},
         .units = "m2",
         .scales = {{.dimension = 0, .name = "value", .values = values, .units = "m"}}});
    job.results().map(
        "lists",
        [](std::uint64_t task) {
            std::vector<std::int32_t> list(task % 4);
            std::iota(list.begin(), list.end(), static_cast<std::int32_t>(task));
            return list;
        },
        plenum::indices(tasks));
    if (!job.given("sum")) return 0;
    auto const squares = job.results().read<double>("squares", 0, tasks);
    std::vector<double> const sum{std::accumulate(squares.begin(), squares.end(), 0.0)};
    job.results().write("sum", std::span<double const>(sum), {1});
    return 0;
}

auto const registered = plenum::add_job(
    {.name = "mixed",
     .summary = "squares and lists",
     .options = {{.name = "tasks", .placeholder = "N", .default_value = "40", .help = "number of tasks"},
                 {.name = "pause", .placeholder = "S", .default_value = "0", .help = "length of a task, s"},
                 {.name = "fails-while",
                  .placeholder = "FILE",
                  .default_value = "",
                  .help = "some tasks fail while it exists"},
                 {.name = "actor", .help = "an actor prints a line"},
                 {.name = "sum", .help = "store the sum of all squares"}},
     .run = run_mixed});

}  // namespace
