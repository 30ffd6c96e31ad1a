// The job monte_carlo: many samples of a random experiment in each task, estimates with standard errors.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <plenum/error.hpp>
#include <plenum/job.hpp>
#include <plenum/pool.hpp>
#include <plenum/random.hpp>
#include <span>
#include <string>
#include <vector>

#include "support/count.hpp"
#include "support/index_scale.hpp"
#include "support/reference.hpp"
#include "support/sampling.hpp"

namespace plenum::jobs {
namespace {

constexpr std::uint64_t verified_tasks = 8;
constexpr double accepted_sigmas = 6;
constexpr std::uint64_t least_verified_samples = 100;  // of all tasks; fewer may all be alike by chance
constexpr std::uint64_t largest_matrix = 1000;
constexpr std::size_t most_lines = 20;

struct Plan {
    Experiment experiment = Experiment::pi;
    std::size_t size = 0;
    std::uint64_t tasks = 0;
    std::uint64_t samples = 0;
};

Plan plan_of(JobContext& job) {
    auto const problem = job.option<std::string>("problem");
    if (problem != "integral" && problem != "eigen")
        throw UsageError(fmt::format("--problem: '{}' is not known; choose from integral, eigen", problem));
    bool const eigen = problem == "eigen";
    if (auto const* const other = eigen ? "integrand" : "size"; job.given(other))
        throw UsageError(
            fmt::format("--{} does not fit --problem {}; leave one of them out", other, problem));
    auto const samples = job.given("samples") ? job.option<std::string>("samples") : eigen ? "1k" : "1M";
    return {.experiment = eigen ? Experiment::eigen : parse_integrand(job.option<std::string>("integrand")),
            .size = parse_count(job.option<std::string>("size"), "--size", 1, largest_matrix),
            .tasks = parse_count(job.option<std::string>("tasks"), "--tasks", 1, 1'000'000'000'000),
            .samples = parse_count(samples, "--samples", 2, 1'000'000'000'000)};
}

/// A task's estimates as they stand in the result file: mean and standard error of each observable.
std::vector<Estimate> estimates_of(std::span<double const> numbers) {
    std::vector<Estimate> estimates;
    for (std::size_t i = 0; i + 1 < numbers.size(); i += 2) estimates.push_back({numbers[i], numbers[i + 1]});
    return estimates;
}

/// In the order of the tasks, so that ranks and schedule leave no trace.
std::vector<Estimate> combine(JobContext& job, Plan const& plan, std::size_t width) {
    std::vector<Combination> combined(width);
    auto const tasks_at_once = std::max<std::uint64_t>(1, (1U << 20) / width);
    for (std::uint64_t first = 0; first < plan.tasks; first += tasks_at_once) {
        auto const count = std::min(tasks_at_once, plan.tasks - first);
        auto const estimates = estimates_of(job.results().read<double>("estimates", first, count));
        for (std::size_t i = 0; i < estimates.size(); ++i) combined[i % width].add(estimates[i]);
    }
    std::vector<Estimate> results;
    for (auto const& each : combined) results.push_back(each.result());
    return results;
}

double sigmas(Estimate const& estimate, double expected) {
    auto const distance = std::abs(estimate.mean - expected);
    return distance == 0 ? 0 : distance / estimate.standard_error;
}

void report(JobContext& job, Plan const& plan, std::vector<Observable> const& what,
            std::vector<Estimate> const& combined) {
    std::vector<double> numbers;
    std::string names;
    for (std::size_t k = 0; k < what.size(); ++k) {
        auto const& [mean, error] = combined[k];
        numbers.insert(numbers.end(), {mean, error});
        names += (names.empty() ? "" : ", ") + what[k].name;
        bool const known = !std::isnan(what[k].expected);
        if (!known && what.size() > most_lines) continue;
        job.say(!known ? fmt::format("{}: {:.10g} +- {:.2g}", what[k].name, mean, error)
                       : fmt::format("{}: {:.10g} +- {:.2g} (known: {:.10g}, {:.1f} standard errors away)",
                                     what[k].name, mean, error, what[k].expected,
                                     sigmas(combined[k], what[k].expected)));
    }
    job.results().write("combined", std::span<double const>(numbers), {what.size(), 2},
                        {{"observables", names},
                         {"statistics", "mean, standard_error"},
                         {"estimate", combined.back().mean},
                         {"standard_error", combined.back().standard_error},
                         {"known_value", what.back().expected},
                         {"samples_per_task", static_cast<std::int64_t>(plan.samples)}});
}

[[noreturn]] void refuse(std::string const& why) {
    throw Error(ExitCode::tasks_failed, fmt::format("verify: {}; do not use these results", why));
}

void verify_known_values(std::vector<Observable> const& what, std::vector<Estimate> const& combined) {
    for (std::size_t k = 0; k < what.size(); ++k) {
        if (std::isnan(what[k].expected)) continue;
        if (auto const away = sigmas(combined[k], what[k].expected); !(away <= accepted_sigmas))
            refuse(fmt::format("{} is {:.10g}, {:.1f} standard errors from {:.10g} (at most {} are chance)",
                               what[k].name, combined[k].mean, away, what[k].expected, accepted_sigmas));
    }
}

void verify(JobContext& job, Plan const& plan, std::vector<Observable> const& what,
            std::vector<Estimate> const& combined) {
    auto const chosen = spread_indices(plan.tasks, verified_tasks);
    std::vector<Estimate> again(what.size());
    std::size_t compared = 0;
    for (auto const task : chosen) {
        auto const stored = estimates_of(job.results().read<double>("estimates", task, 1));
        if (std::isnan(stored.front().mean)) continue;  // it failed, which the run says anyway
        ++compared;
        sample(plan.experiment, plan.size, plan.samples, task_rng(job.seed(), task), again);
        for (std::size_t k = 0; k < what.size(); ++k) {
            auto const same = [](double a, double b) {
                return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
            };
            if (!same(stored[k].mean, again[k].mean) ||
                !same(stored[k].standard_error, again[k].standard_error))
                refuse(fmt::format("task {} gave {:.17g} and, computed once more, {:.17g} ({})", task,
                                   stored[k].mean, again[k].mean, what[k].name));
        }
    }
    verify_known_values(what, combined);
    job.say(fmt::format(
        "verify: {} of {} sampled tasks have the same bits when computed once more; known values are "
        "within {} standard errors",
        compared, chosen.size(), accepted_sigmas));
}

int run_monte_carlo(JobContext& job) {
    auto const plan = plan_of(job);
    bool const verified = job.option<bool>("verify");
    if (verified && std::max(plan.tasks, plan.samples) < least_verified_samples &&
        plan.tasks * plan.samples < least_verified_samples)
        throw UsageError(
            fmt::format("--verify needs {} samples or more in all ({} tasks of {} may be alike by "
                        "chance); give more --samples",
                        least_verified_samples, plan.tasks, plan.samples));
    auto const what = observables(plan.experiment, plan.size);
    job.results().map("estimates",
                      [plan, seed = job.seed()](std::uint64_t task, std::span<double> out) {
                          std::vector<Estimate> estimates(out.size() / 2);
                          sample(plan.experiment, plan.size, plan.samples, task_rng(seed, task), estimates);
                          for (std::size_t k = 0; k < estimates.size(); ++k) {
                              out[2 * k] = estimates[k].mean;
                              out[2 * k + 1] = estimates[k].standard_error;
                          }
                      },
                      indices(plan.tasks),
                      {.shape = {what.size(), 2},
                       .version = 1,
                       .dimensions = {"task", "observable", "statistic"},
                       .units = "1",
                       .scales = {index_scale(0, "task", plan.tasks),
                                  index_scale(1, "observable", what.size()), index_scale(2, "statistic", 2)},
                       .attributes = {{"long_name", "mean and standard error of each observable"},
                                      {"samples_per_task", static_cast<std::int64_t>(plan.samples)}}});
    if (job.dry_run()) return 0;
    auto const combined = combine(job, plan, what.size());
    report(job, plan, what, combined);
    if (verified) verify(job, plan, what, combined);
    return 0;
}

auto const registered = add_job(
    {.name = "monte_carlo",
     .summary = "estimate integrals or eigenvalues of random matrices by sampling",
     .options =
         {{.name = "problem",
           .placeholder = "NAME",
           .default_value = "integral",
           .help = "integral, or eigen: eigenvalues of random symmetric matrices"},
          {.name = "integrand",
           .placeholder = "NAME",
           .default_value = "pi",
           .help = "pi (quarter circle), gauss (exp(-x^2)), ball6 (six-dimensional ball)"},
          {.name = "size", .placeholder = "N", .default_value = "8", .help = "rows of the random matrices"},
          {.name = "tasks", .placeholder = "N", .default_value = "1000", .help = "number of tasks"},
          {.name = "samples",
           .placeholder = "N",
           .help = "samples per task, as in 250000 or 1M (1M points, or 1k matrices)"},
          {.name = "verify", .help = "compute sampled tasks once more, compare with known values"}},
     .run = run_monte_carlo,
     .example = "mpirun -n 4 plenum run monte_carlo --tasks 100 --samples 1M --verify"});

}  // namespace
}  // namespace plenum::jobs
