// A task's scratch folder: private, kept from task to task of its executor, gone with it.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>

#include "api/pool_test.hpp"
#include "io/temporary_folder.hpp"

namespace plenum::api_test {
namespace {

namespace fs = std::filesystem;

/// Rank 0 sees a death when it happens elsewhere a moment later.
bool vanishes(std::string const& folder) {
    auto const end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (fs::exists(folder)) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
}

TEST(Scratch, IsPrivateRecognisableAndOfTheExecutor) {
    auto const folders = pool().map(
        [](std::uint64_t) {
            auto const folder = scratch_folder();
            struct stat status {};
            if (::stat(folder.c_str(), &status) != 0) throw std::runtime_error("it is not there");
            if ((status.st_mode & 07777) != 0700) throw std::runtime_error("others may read it");
            struct stat above {};
            if (::stat(folder.parent_path().c_str(), &above) != 0 || (above.st_mode & 07777) != 0700)
                throw std::runtime_error("others may read what is above it");
            if (scratch_folder() != folder) throw std::runtime_error("it changes");
            return std::to_string(::gettid()) + ' ' + folder.string();
        },
        indices(100), {.schedule = "ss"});
    std::map<std::string, std::string> folder_of;
    for (std::uint64_t i = 0; i < 100; ++i) {
        auto const space = folders[i].find(' ');
        auto const folder = folders[i].substr(space + 1);
        EXPECT_EQ(folder_of.try_emplace(folders[i].substr(0, space), folder).first->second, folder);
        EXPECT_TRUE(fs::path(folder).parent_path().filename().string().starts_with("plenum-")) << folder;
    }
    std::map<std::string, int> users;
    for (auto const& [thread, folder] : folder_of) EXPECT_EQ(++users[folder], 1) << folder;
}

TEST(Scratch, KeepsItsFilesFromTaskToTask) {
    for (int round = 0; round < 2; ++round) {
        auto const lines = pool().map(
            [round](std::uint64_t) {
                auto const name = scratch_folder() / std::to_string(round);
                std::ofstream(name, std::ios::app) << '.';
                return std::pair(scratch_folder().string(), fs::file_size(name));
            },
            indices(60), {.schedule = "ss"});
        std::map<std::string, std::uint64_t> tasks, most;
        for (std::uint64_t i = 0; i < 60; ++i) {
            ++tasks[lines[i].first];
            most[lines[i].first] = std::max(most[lines[i].first], lines[i].second);
        }
        EXPECT_EQ(tasks, most);
    }
}

TEST(Scratch, IsEmptyAgainAndRemovedWhenTheExecutorIsRenewed) {
    auto const folders = pool().map(
        [](std::uint64_t) {
            auto const folder = scratch_folder();
            bool const fresh = fs::is_empty(folder);
            std::ofstream(folder / "file") << 1;
            return (fresh ? "" : "not empty: ") + folder.string();
        },
        indices(20), {.tasks_per_executor = 1});
    for (std::uint64_t i = 0; i < 20; ++i) {
        EXPECT_TRUE(folders[i].starts_with('/')) << folders[i];
        EXPECT_TRUE(vanishes(folders[i])) << folders[i];
    }
}

/// Leaves a folder without rights and links to what must stay, says where, and dies.
struct LinkAndDie {
    std::string outside;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(outside);
    }
    std::uint64_t operator()(std::uint64_t task) const {
        auto const folder = scratch_folder();
        fs::create_directories(folder / "a/b");
        std::ofstream(folder / "a/b/file") << task;
        fs::create_symlink(outside, folder / "link");
        fs::create_directory_symlink(fs::path(outside).parent_path(), folder / "a/link");
        fs::permissions(folder / "a/b", fs::perms::none);
        std::ofstream(outside) << folder.string() << '\n';
        ::raise(SIGKILL);
        return task;
    }
};

TEST(Scratch, IsRemovedWhenTheExecutorDies) {
    if (!tasks_are_isolated()) GTEST_SKIP() << "a crash ends the run";
    test::TemporaryFolder const kept;  // the scratch folder has links to it
    auto const folders =
        pool().map(LinkAndDie{kept.file("said")}, indices(1), {.on_failure = OnFailure::collect});
    EXPECT_EQ(folders.failures().size(), 1u);
    std::ifstream file(kept.file("said"));
    std::string folder;
    ASSERT_TRUE(std::getline(file, folder)) << "what the links name is gone";
    EXPECT_TRUE(folder.starts_with('/'));
    EXPECT_TRUE(vanishes(folder)) << folder;
    EXPECT_TRUE(fs::exists(kept.file("said"))) << "what a link names was removed";
}

TEST(Scratch, BelongsToTasks) {
    EXPECT_TRUE(contains(message_of<UsageError>([] { (void)scratch_folder(); }), "outside a task"));
}

}  // namespace
}  // namespace plenum::api_test
