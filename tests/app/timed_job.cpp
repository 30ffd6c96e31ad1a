// A job whose tasks say when they begin and end, for tests of limits in time. TIMED_SECONDS: how long each
// takes; TIMED_LOG: the file. Variables, so that a run may go on with others.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <plenum/job.hpp>
#include <thread>

namespace {

void say(char const* what, std::uint64_t task) {
    auto const file = ::open(std::getenv("TIMED_LOG"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    auto const line = fmt::format("{} {}\n", what, task);
    [[maybe_unused]] auto const written = ::write(file, line.data(), line.size());
    ::close(file);
}

int run_timed(plenum::JobContext& job) {
    job.results().map(
        "timed",
        [](std::uint64_t task) {
            say("begin", task);
            std::this_thread::sleep_for(
                std::chrono::duration<double>(std::atof(std::getenv("TIMED_SECONDS"))));
            say("end", task);
            return 3 * task;
        },
        plenum::indices(12));
    return 0;
}

[[maybe_unused]] auto const registered = plenum::add_job(
    {.name = "timed", .summary = "tasks that take their time", .options = {}, .run = run_timed});

}  // namespace
