// Jobs of the figures about single calls and lazy maps.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <plenum/plenum.hpp>
#include <stdexcept>
#include <thread>
#include <vector>

#include "work.hpp"

namespace bench {
namespace {

constexpr std::size_t in_flight = 1'000;

int submits(plenum::JobContext& job) {
    auto const tasks = job.option<std::uint64_t>("tasks");
    auto const& pool = job.pool();
    (void)pool.apply(square, std::uint64_t{1});
    std::uint64_t total = 0, taken = 0;
    std::deque<plenum::Future<std::uint64_t>> futures;
    auto const take = [&] {
        total += futures.front().get() * (2 * taken++ + 1);
        futures.pop_front();
    };
    auto const start = now_ns();
    for (std::uint64_t i = 0; i < tasks; ++i) {
        futures.push_back(pool.submit(square, i));
        if (futures.size() == in_flight) take();
    }
    while (!futures.empty()) take();
    report(seconds_since(start), total);
    return 0;
}

/// The median of one call after the other.
int round_trips(plenum::JobContext& job) {
    auto const tasks = job.option<std::uint64_t>("tasks");
    auto const& pool = job.pool();
    (void)pool.apply(square, std::uint64_t{1});
    std::uint64_t total = 0;
    std::vector<double> seconds;
    for (std::uint64_t i = 0; i < tasks; ++i) {
        auto const start = now_ns();
        total += pool.apply(square, i) * (2 * i + 1);
        seconds.push_back(seconds_since(start));
    }
    auto const median = seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2);
    std::nth_element(seconds.begin(), median, seconds.end());
    report(*median, total);
    return 0;
}

/// The same to the other of two nodes with one executor each: this one's is at work meanwhile.
int round_trips_between_nodes(plenum::JobContext& job) {
    auto const tasks = job.option<std::uint64_t>("tasks");
    auto const& pool = job.pool();
    for (int i = 0; i < 20; ++i) (void)pool.apply(square, std::uint64_t{1});  // on both nodes
    auto const at_work = pool.submit(
        [](double seconds) {
            auto const end = now_ns() + static_cast<std::uint64_t>(seconds * 1e9);
            while (now_ns() < end) std::this_thread::sleep_for(std::chrono::milliseconds(1));
            return seconds;
        },
        5e-3 * static_cast<double>(tasks));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    std::uint64_t total = 0;
    std::vector<double> seconds;
    for (std::uint64_t i = 0; i < tasks; ++i) {
        auto const start = now_ns();
        total += pool.apply(square, i) * (2 * i + 1);
        seconds.push_back(seconds_since(start));
    }
    if (at_work.ready())
        throw std::runtime_error("the calls took longer than the task that keeps one node busy");
    auto const median = seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2);
    std::nth_element(seconds.begin(), median, seconds.end());
    report(*median, total);
    return 0;
}

int stream(plenum::JobContext& job) {
    auto const tasks = job.option<std::uint64_t>("tasks");
    auto const& pool = job.pool();
    (void)pool.apply(square, std::uint64_t{1});
    std::vector<std::uint64_t> items(tasks);
    for (std::uint64_t i = 0; i < tasks; ++i) items[i] = i;
    std::uint64_t total = 0, taken = 0;
    auto const start = now_ns();
    for (auto const value : pool.imap([](std::uint64_t i) { return square(i); }, items))
        total += value * (2 * taken++ + 1);
    report(seconds_since(start), total);
    return 0;
}

plenum::JobOption const tasks{.name = "tasks", .placeholder = "N", .default_value = "100000"};

bool const registered[] = {
    plenum::add_job(
        {.name = "submits", .summary = "x*x as calls, 1000 in flight", .options = {tasks}, .run = submits}),
    plenum::add_job({.name = "round-trips",
                     .summary = "x*x as calls, one in flight",
                     .options = {tasks},
                     .run = round_trips}),
    plenum::add_job({.name = "round-trips-between-nodes",
                     .summary = "x*x as calls to another node, one in flight",
                     .options = {tasks},
                     .run = round_trips_between_nodes}),
    plenum::add_job({.name = "stream", .summary = "x*x as a lazy map", .options = {tasks}, .run = stream})};

}  // namespace
}  // namespace bench
