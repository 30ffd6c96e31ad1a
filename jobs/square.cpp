// The job square: the squares of a long range of indices, added up on the way, kept, or streamed through rank
// 0.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <plenum/error.hpp>
#include <plenum/job.hpp>
#include <plenum/pool.hpp>
#include <span>
#include <string>

#include "support/count.hpp"
#include "support/squares.hpp"

namespace plenum::jobs {
namespace {

/// Adds up what the file holds, a piece at a time. With `compare` every square is computed once more.
std::uint64_t read_sum(JobContext& job, std::uint64_t count, bool compare) {
    constexpr std::uint64_t at_once = 1 << 20;
    std::uint64_t sum = 0;
    for (std::uint64_t first = 0; first < count; first += at_once) {
        auto const squares =
            job.results().read<std::uint64_t>("square", first, std::min(at_once, count - first));
        for (std::size_t k = 0; k < squares.size(); ++k) {
            if (compare && squares[k] != square(first + k))
                throw Error(
                    ExitCode::tasks_failed,
                    fmt::format("verify: the file has {} as the square of {} (it is {}); do not use these "
                                "results",
                                squares[k], first + k, square(first + k)));
            sum += squares[k];
        }
    }
    return sum;
}

int run_square(JobContext& job) {
    auto const count = parse_count(job.option<std::string>("count"), "--count", 1, 100'000'000'000);
    bool const keep = job.option<bool>("keep"), streamed = job.option<bool>("imap");
    bool const verified = job.option<bool>("verify");
    if (keep && streamed)
        throw UsageError("--keep and --imap exclude each other (imap's results pass by); give one of them");
    auto const begin = std::chrono::steady_clock::now();
    std::uint64_t sum = 0;
    if (keep) {
        job.results().map("square", square, indices(count),
                          {.version = 1,
                           .dimensions = {"x"},
                           .units = "1",
                           .attributes = {{"long_name", "x * x modulo 2^64"}}});
        if (job.dry_run()) return 0;
        sum = read_sum(job, count, verified);
    } else if (job.dry_run()) {
        job.say(fmt::format("would run {} squares", count));
        return 0;
    } else if (streamed) {
        for (auto const result : job.pool().imap(square, indices(count))) sum += result;
    } else {
        sum = job.pool().map_reduce(square, indices(count), std::uint64_t{0}, std::plus<>());
    }
    std::chrono::duration<double> const seconds = std::chrono::steady_clock::now() - begin;
    job.say(fmt::format("sum of {} squares, modulo 2^64: {} ({:.3f} s, {:.3g} squares/s)", count, sum,
                        seconds.count(), static_cast<double>(count) / seconds.count()));
    job.results().write(
        "sum", std::span<std::uint64_t const>(&sum, 1), {1},
        {{"long_name", "sum of the squares, modulo 2^64"}, {"count", static_cast<std::int64_t>(count)}});
    if (!verified) return 0;
    if (auto const wanted = sum_of_squares(count); sum != wanted)
        throw Error(
            ExitCode::tasks_failed,
            fmt::format("verify: the sum is {} (by the formula {}); do not use these results", sum, wanted));
    job.say("verify: the sum is that of the formula");
    return 0;
}

auto const registered =
    add_job({.name = "square",
             .summary = "square a long range of indices, and add up",
             .options = {{.name = "count",
                          .placeholder = "N",
                          .default_value = "1G",
                          .help = "squares of 0 to N - 1; k, M and G are 10^3, 10^6 and 10^9"},
                         {.name = "keep", .help = "write all squares to the file, 8 bytes each"},
                         {.name = "imap", .help = "stream each square through rank 0, which adds them up"},
                         {.name = "verify", .help = "compare with the formula, and kept squares one by one"}},
             .run = run_square,
             .example = "mpirun -n 2 plenum run square --count 10G --verify"});

}  // namespace
}  // namespace plenum::jobs
