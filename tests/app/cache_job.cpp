// A job for the test of caches in `plenum run`: every call of its cached function leaves a byte in a file.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <plenum/plenum.hpp>

namespace {

constexpr std::uint64_t tasks = 1000;

int run(plenum::JobContext& job) {
    auto const folder = job.option<std::string>("cache");
    std::array<char, 500> calls{};
    (folder + "-calls").copy(calls.data(), calls.size() - 1);
    auto const slow = plenum::Memory(folder).cached(
        [calls](std::uint64_t i) {
            auto const fd = ::open(calls.data(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
            if (::write(fd, "x", 1) != 1) std::abort();
            ::close(fd);
            ::usleep(300);
            return std::vector<double>(i % 50, static_cast<double>(i));
        },
        "rows", 1);
    auto const results = job.pool().map(slow, plenum::indices(tasks));
    for (std::uint64_t i = 0; i < tasks; ++i)
        if (results[i] != std::vector<double>(i % 50, static_cast<double>(i)))
            throw plenum::EnvironmentError("task " + std::to_string(i) +
                                           " has a wrong result (cache); look into it");
    return 0;
}

[[maybe_unused]] auto const registered =
    plenum::add_job({.name = "rows",
                     .summary = "maps a cached function",
                     .options = {{.name = "cache", .placeholder = "FOLDER", .help = "folder of the cache"}},
                     .run = run});

}  // namespace
