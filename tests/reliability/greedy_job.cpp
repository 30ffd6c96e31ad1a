// A job of which every tenth task uses memory until the kernel ends it; for runs in a control group with a
// limit. Elsewhere it would take all there is.
#include <cstdint>
#include <plenum/plenum.hpp>
#include <vector>

namespace {

constexpr std::uint64_t mib = 1 << 20;
constexpr std::uint64_t most_mib = 4096;  // of a task, should nobody stop it

int run_greedy(plenum::JobContext& job) {
    job.results().map(
        "squares",
        [](std::uint64_t task) {
            if (task % 10 == 3) {
                std::vector<std::vector<char>> eaten;
                while (eaten.size() < most_mib) eaten.emplace_back(mib, 'x');
            }
            return task * task;
        },
        plenum::indices(job.option<std::uint64_t>("tasks")));
    return 0;
}

[[maybe_unused]] auto const registered = plenum::add_job(
    {.name = "greedy",
     .summary = "tasks that eat memory",
     .options = {{.name = "tasks", .placeholder = "N", .default_value = "40", .help = "number of tasks"}},
     .run = run_greedy});

}  // namespace
