// A job with tasks that take their whole run down, for the test of what a run remembers of its deaths.
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <plenum/plenum.hpp>
#include <string>
#include <thread>

#include "api/attempts.hpp"

namespace {

using plenum::api_test::AttemptFiles;

pid_t parent_of(pid_t process) {
    std::ifstream file("/proc/" + std::to_string(process) + "/stat");
    std::string const text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    return std::stoi(text.substr(text.rfind(')') + 4));
}

/// Also while nobody has waited for it.
bool has_ended(pid_t process) {
    std::ifstream file("/proc/" + std::to_string(process) + "/stat");
    std::string const text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    return text.empty() || text.at(text.rfind(')') + 2) == 'Z';
}

/// Task 3 is deadly as long as there is a file `armed` in the folder.
struct Deadly {
    AttemptFiles files;
    std::array<char, 16> way{};
    double seconds = 0;
    void live(std::uint64_t task) const {
        std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
        auto const folder = std::string(files.folder.data());
        if (task % 1000 != 3) return;
        (void)files.begin(task);
        if (!std::filesystem::exists(folder + "/armed")) return;
        std::string const how(way.data());
        if (how == "fault") ::raise(SIGSEGV);
        if (how == "group")
            ::kill(-::getpgid(::getppid()), SIGKILL);  // that of the rank: its own is the executor's
        if (how == "all") ::kill(parent_of(::getppid()), SIGKILL);
        if (how == "ordered") {
            auto const launcher = parent_of(::getppid());
            ::kill(launcher, SIGKILL);
            while (!has_ended(launcher)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
            ::kill(::getppid(), SIGKILL);
        }
        if (how == "rank" || how == "all") ::kill(::getppid(), SIGKILL);
        while (std::filesystem::exists(folder + "/armed"))  // how == "wait", and until the end comes
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
};

int run(plenum::JobContext& job) {
    Deadly deadly{.files = {}, .way = {}, .seconds = job.option<double>("seconds")};
    job.option<std::string>("folder").copy(deadly.files.folder.data(), deadly.files.folder.size() - 1);
    job.option<std::string>("way").copy(deadly.way.data(), deadly.way.size() - 1);
    auto const tasks = plenum::indices(job.option<std::uint64_t>("tasks"));
    job.results().map(
        "fixed",
        [deadly](std::uint64_t i) {
            deadly.live(i);
            return static_cast<double>(i);
        },
        tasks);
    job.results().map(
        "ragged",
        [deadly](std::uint64_t i) {
            deadly.live(1000 + i);
            return std::vector<std::uint64_t>(i % 3, i);
        },
        tasks);
    return 0;
}

[[maybe_unused]] auto const registered = plenum::add_job(
    {.name = "deadly",
     .summary = "a task that takes the run down",
     .options = {{.name = "folder", .placeholder = "FOLDER", .help = "attempts go there"},
                 {.name = "way", .placeholder = "WAY", .help = "rank, group, all, ordered, fault or wait"},
                 {.name = "tasks", .placeholder = "N", .default_value = "24", .help = "of each map"},
                 {.name = "seconds", .placeholder = "S", .default_value = "0.02", .help = "of each task"}},
     .run = run});

}  // namespace
