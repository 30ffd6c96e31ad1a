// A job whose tasks fail, for the test of retries and limits in `plenum run`: how often each has begun is in
// a folder.
#include <chrono>
#include <cstdlib>
#include <plenum/plenum.hpp>
#include <stdexcept>
#include <thread>

#include "api/attempts.hpp"

namespace {

using plenum::api_test::AttemptFiles;

/// Of ten tasks: 1 throws and 2 crashes at first, 3 throws and 4 crashes always, 5 hangs at first; 6 takes
/// long.
struct Faulty {
    AttemptFiles files;
    double seconds = 0;
    void misbehave(std::uint64_t i) const {
        std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
        auto const way = i % 10;
        if (way < 1 || way > 5) return;
        auto const attempt = files.begin(i);
        if (way == 3 || (way == 1 && attempt == 1))
            throw std::runtime_error("attempt " + std::to_string(attempt));
        if (way == 4 || (way == 2 && attempt == 1)) std::abort();
        while (way == 5 && attempt == 1) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
};

int run(plenum::JobContext& job) {
    Faulty faulty{.files = {}, .seconds = job.option<double>("seconds")};
    job.option<std::string>("folder").copy(faulty.files.folder.data(), faulty.files.folder.size() - 1);
    auto const tasks = plenum::indices(job.option<std::uint64_t>("tasks"));
    job.results().map(
        "fixed",
        [faulty](std::uint64_t i) {
            faulty.misbehave(i);
            return static_cast<double>(i);
        },
        tasks);
    job.results().map(
        "ragged",
        [faulty](std::uint64_t i) {
            faulty.misbehave(1000 + i);
            return std::vector<std::uint64_t>(i % 3, i);
        },
        tasks);
    job.say("the job came to its end");
    return 0;
}

[[maybe_unused]] auto const registered = plenum::add_job(
    {.name = "faulty",
     .summary = "tasks that fail",
     .options = {{.name = "folder", .placeholder = "FOLDER", .help = "attempts go there"},
                 {.name = "tasks", .placeholder = "N", .default_value = "40", .help = "of each map"},
                 {.name = "seconds", .placeholder = "S", .default_value = "0", .help = "of each task"}},
     .run = run});

}  // namespace
