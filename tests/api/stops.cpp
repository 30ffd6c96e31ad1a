// A body whose run stops before its tasks do, for stops.py:   stops WAY. Prints what its last call threw.
#include <unistd.h>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <plenum/plenum.hpp>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

constexpr std::uint64_t tasks = 4000;

std::uint64_t slow(std::uint64_t i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return i;
}

int run_way(plenum::Pool& pool, std::string const& way) {
    if (way == "map") {
        (void)pool.map(slow, plenum::indices(tasks));
    } else if (way == "static") {
        (void)pool.map(slow, plenum::indices(tasks), {.schedule = "static"});
    } else if (way == "collect") {
        (void)pool.map(slow, plenum::indices(tasks), {.on_failure = plenum::OnFailure::collect});
    } else if (way == "imap") {
        for (auto const value : pool.imap(slow, plenum::indices(tasks))) (void)value;
    } else if (way == "futures") {
        std::vector<plenum::Future<std::uint64_t>> futures;
        for (std::uint64_t i = 0; i < tasks; ++i) futures.push_back(pool.submit(slow, i));
        for (auto const& future : futures) (void)future.get();
    } else if (way == "map_async") {
        // Nobody waits for it but the end of the body.
        (void)pool.map_async(slow, plenum::indices(tasks));
    } else if (way == "caught") {
        try {
            (void)pool.map(slow, plenum::indices(tasks));
        } catch (std::exception const&) {
        }
        try {
            (void)pool.map([](std::uint64_t i) { return i; }, plenum::indices(10));
        } catch (plenum::StoppedError const&) {
            std::puts("refused");
        }
    } else if (way == "hang") {
        (void)pool.map(
            [](std::uint64_t i) {
                while (i >= 3) std::this_thread::sleep_for(std::chrono::milliseconds(10));
                return i;
            },
            plenum::indices(100));
    } else if (way == "failures") {
        (void)pool.map(
            [](std::uint64_t i) {
                std::this_thread::sleep_for(std::chrono::milliseconds(5));
                if (i % 4 == 0) throw std::runtime_error("thrown");
                return i;
            },
            plenum::indices(tasks), {.on_failure = plenum::OnFailure::collect});
    } else if (way == "short") {
        (void)pool.map([](std::uint64_t i) { return i; }, plenum::indices(tasks));
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    std::string const way = argc > 1 ? argv[1] : "map";
    return plenum::run(argc, argv, [&way](plenum::Pool& pool) {
        std::puts("begun");
        std::fflush(stdout);
        return run_way(pool, way);
    });
}
