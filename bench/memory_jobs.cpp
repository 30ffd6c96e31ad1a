// Jobs of the figures about memory and waiting: squares, shared arrays, idle ranks.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <plenum/plenum.hpp>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "work.hpp"

namespace bench {
namespace {

std::vector<std::uint64_t> numbers(std::uint64_t count) {
    std::vector<std::uint64_t> values(count);
    fill_record(0, values);
    return values;
}

/// Executors that are awake and have seen the function: what a second map finds.
void warm_up(plenum::JobContext& job) {
    auto const tasks = static_cast<std::uint64_t>(job.pool().ranks()) * 4;
    (void)job.pool().map(
        [](std::uint64_t i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
            return i;
        },
        plenum::indices(tasks), {.schedule = "ss"});
}

int squares(plenum::JobContext& job) {
    auto const tasks = job.option<std::uint64_t>("tasks");
    warm_up(job);
    auto const start = now_ns();
    auto const results = job.pool().map([](std::uint64_t i) { return square(i); }, plenum::indices(tasks));
    auto const seconds = seconds_since(start);
    report(seconds, checksum(results.span()));
    return 0;
}

int read_shared(plenum::JobContext& job) {
    auto const words = job.option<std::uint64_t>("bytes") / 8;
    auto const array = job.pool().share_filled<std::uint64_t>(
        words, [](std::span<std::uint64_t> out) { fill_record(0, out); });
    // Tasks begin at different ends: executors side by side would find in the cache what the other has just
    // read.
    auto const read = [array = array.ref()](std::uint64_t i) {
        auto const half = array.size() / 2;
        auto const low = array.span().first(half), high = array.span().subspan(half);
        auto const total = sum(i % 2 == 0 ? low : high);
        asm volatile("" ::: "memory");  // in this order
        return total + sum(i % 2 == 0 ? high : low);
    };
    plenum::MapOptions const one_by_one{.schedule = "ss"};
    auto const tasks = static_cast<std::uint64_t>(job.pool().ranks());
    (void)job.pool().map(read, plenum::indices(2 * tasks), one_by_one);
    auto const start = now_ns();
    auto const sums =
        job.pool().map(read, plenum::indices(tasks * job.option<std::uint64_t>("passes")), one_by_one);
    auto const seconds = seconds_since(start);
    report(seconds, sum(sums.span()));
    return 0;
}

int share(plenum::JobContext& job) {
    auto const values = numbers(job.option<std::uint64_t>("bytes") / 8);
    auto const start = now_ns();
    auto const array = job.pool().share(values);
    auto const seconds = seconds_since(start);
    report(seconds, checksum(array.span()));
    return 0;
}

void hold(plenum::JobContext& job) {
    report(0, 0);  // the measurement may begin
    std::this_thread::sleep_for(std::chrono::duration<double>(job.option<double>("hold")));
}

/// Every executor reads the whole array; then nothing happens, while somebody else looks at the memory.
int hold_shared(plenum::JobContext& job) {
    auto const words = job.option<std::uint64_t>("bytes") / 8;
    auto const array = job.pool().share_filled<std::uint64_t>(
        words, [](std::span<std::uint64_t> out) { fill_record(0, out); });
    auto const expected = sum(array.span());
    auto const ranks = static_cast<std::size_t>(job.pool().ranks());
    struct Reading {
        std::uint64_t sum;
        int process;
    };
    std::set<int> readers;
    while (readers.size() < ranks) {
        auto const readings = job.pool().map(
            [array = array.ref()](std::uint64_t) {
                auto const total = sum(array.span());
                std::this_thread::sleep_for(std::chrono::milliseconds(20));  // leaves tasks for the others
                return Reading{total, ::getpid()};
            },
            plenum::indices(ranks), {.schedule = "ss"});
        for (auto const& reading : readings.span()) {
            if (reading.sum != expected) return 1;
            readers.insert(reading.process);
        }
    }
    hold(job);
    return 0;
}

int idle(plenum::JobContext& job) {
    hold(job);
    return 0;
}

/// One long sleep on every executor.
int sleepers(plenum::JobContext& job) {
    report(0, 0);
    auto const tasks = static_cast<std::uint64_t>(job.pool().ranks());
    auto const ended = job.pool().map(
        [seconds = job.option<double>("hold")](std::uint64_t i) {
            std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
            return i;
        },
        plenum::indices(tasks), {.schedule = "ss"});
    return ended.size() == tasks ? 0 : 1;
}

int nothing(plenum::JobContext&) {
    return 0;
}

plenum::JobOption const bytes{
    .name = "bytes", .placeholder = "N", .default_value = "1073741824", .help = "bytes of the array"};
plenum::JobOption const seconds{
    .name = "hold", .placeholder = "SECONDS", .default_value = "5", .help = "how long to wait"};

bool const registered[] = {
    plenum::add_job({.name = "squares",
                     .summary = "x*x for many x, results in memory",
                     .options = {{.name = "tasks", .placeholder = "N", .default_value = "1000000"}},
                     .run = squares}),
    plenum::add_job(
        {.name = "read-shared",
         .summary = "sums of a shared array",
         .options =
             {bytes,
              {.name = "passes", .placeholder = "N", .default_value = "8", .help = "sums by each rank"}},
         .run = read_shared}),
    plenum::add_job(
        {.name = "share", .summary = "an array into node memory", .options = {bytes}, .run = share}),
    plenum::add_job({.name = "hold-shared",
                     .summary = "a shared array that every executor has read",
                     .options = {bytes, seconds},
                     .run = hold_shared}),
    plenum::add_job({.name = "idle", .summary = "nothing to do", .options = {seconds}, .run = idle}),
    plenum::add_job(
        {.name = "sleepers", .summary = "executors in long sleeps", .options = {seconds}, .run = sleepers}),
    plenum::add_job({.name = "empty", .summary = "no task at all", .run = nothing})};

}  // namespace
}  // namespace bench
