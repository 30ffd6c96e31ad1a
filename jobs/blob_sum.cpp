// The job blob_sum: one large array of integers in the memory of each node, summed by every task.
#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <plenum/error.hpp>
#include <plenum/job.hpp>
#include <plenum/pool.hpp>
#include <string>

#include "support/index_scale.hpp"
#include "support/sum.hpp"
#include "support/whole_number.hpp"

namespace plenum::jobs {
namespace {

constexpr std::uint64_t element_limit = std::uint64_t{1} << 46;  // sums fit into 64 bits
constexpr std::uint64_t task_limit = 100'000'000;

void verify(JobContext& job, std::uint64_t tasks, std::uint64_t elements) {
    auto const wanted = blob_sum_formula(elements, job.seed());
    auto const sums = job.results().read<std::int64_t>("sum", 0, tasks);
    for (std::uint64_t task = 0; task < tasks; ++task) {
        if (sums[task] == wanted) continue;
        throw Error(
            ExitCode::tasks_failed,
            fmt::format(
                "verify: task {} found the sum {} (by the formula it is {}); do not use these results", task,
                sums[task], wanted));
    }
    job.say(fmt::format("verify: all {} sums are {}, as by the formula", tasks, wanted));
}

int run_blob_sum(JobContext& job) {
    auto const elements =
        parse_whole_number(job.option<std::string>("elements"), "--elements", element_limit);
    auto const tasks = parse_whole_number(job.option<std::string>("tasks"), "--tasks", task_limit);
    auto const bytes = elements * sizeof(std::int64_t);
    SharedArray<std::int64_t> blob;
    if (!job.dry_run()) {
        blob =
            job.pool().share_filled<std::int64_t>(elements, [seed = job.seed()](std::span<std::int64_t> out) {
                for (std::size_t i = 0; i < out.size(); ++i) out[i] = blob_element(i, seed);
            });
    }
    auto const begin = std::chrono::steady_clock::now();
    // One task at a time: each reads everything, so none is short.
    job.results().map("sum", [blob = blob.ref()](std::uint64_t) { return sum_of(blob.span()); },
                      indices(tasks),
                      {.version = 1,
                       .dimensions = {"task"},
                       .units = "1",
                       .scales = {index_scale(0, "task", tasks)},
                       .attributes = {{"long_name", "sum of the shared array"},
                                      {"elements", static_cast<std::int64_t>(elements)},
                                      {"element_type", "int64"}},
                       .schedule = "ss"});
    if (job.dry_run()) return 0;
    std::chrono::duration<double> const seconds = std::chrono::steady_clock::now() - begin;
    job.say(fmt::format("{} tasks read {:.2f} GiB each, {:.1f} GB/s in all", tasks,
                        static_cast<double>(bytes) * 0x1p-30,
                        static_cast<double>(bytes) * static_cast<double>(tasks) / seconds.count() / 1e9));
    if (job.option<bool>("verify")) verify(job, tasks, elements);
    return 0;
}

auto const registered = add_job(
    {.name = "blob_sum",
     .summary = "sum one large shared array in every task",
     .options = {{.name = "elements",
                  .placeholder = "N",
                  .default_value = "128M",
                  .help = "64-bit integers in the array; k, M and G are 10^3, 10^6 and 10^9"},
                 {.name = "tasks", .placeholder = "N", .default_value = "100", .help = "number of tasks"},
                 {.name = "verify", .help = "compare all sums with the formula"}},
     .run = run_blob_sum,
     .example = "plenum run blob_sum --elements 10M --tasks 20 --verify -o sums.h5"});

}  // namespace
}  // namespace plenum::jobs
