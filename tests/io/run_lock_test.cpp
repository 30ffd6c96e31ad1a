// Locks of result files: one run at a time, dead owners recognised, lost locks noticed.
#include "io/run_lock.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <optional>
#include <plenum/error.hpp>
#include <thread>

#include "io/temporary_folder.hpp"

namespace plenum::io {
namespace {

using ::plenum::test::content_of;
using ::plenum::test::message_of;
using ::plenum::test::TemporaryFolder;
using ::plenum::test::write_file;

class Locks : public ::testing::TestWithParam<bool> {
protected:
    /// The lock as a run on another host would have left it.
    void write_lock_of_another_host(double age, int beats) {
        auto const beat =
            std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count() - age;
        // Nobody may find half of it, as of the owner's own writes.
        auto const fresh = folder_.file("fresh");
        write_file(
            fresh,
            fmt::format("machine elsewhere/pid:[1]\nhost elsewhere\npid 12\nstart 34\ntoken 56\nbeat {:.3f}\n"
                        "beats {}\n",
                        beat, beats));
        std::filesystem::rename(fresh, path_ + ".lock");
    }

    LockOptions options_{
        .beat_seconds = 0.05, .stale_seconds = 0.6, .patience_seconds = 0.05, .use_flock = GetParam()};
    TemporaryFolder folder_;
    std::string path_ = folder_.file("out.h5");
};

INSTANTIATE_TEST_SUITE_P(FileSystem, Locks, ::testing::Values(true, false),
                         [](auto const& kind) { return kind.param ? "WithFlock" : "WithoutFlock"; });

TEST_P(Locks, KeepASecondRunOut) {
    RunLock lock(path_, options_);
    auto const message = message_of<EnvironmentError>([&] { RunLock(path_, options_); });
    EXPECT_NE(message.find(fmt::format("process {} on ", ::getpid())), std::string::npos) << message;
    lock.require_mine();
    lock.release();
    EXPECT_TRUE(folder_.is_empty());
    RunLock const next(path_, options_);
    EXPECT_THROW(lock.require_mine(), EnvironmentError);
    lock.release();
    next.require_mine();
}

TEST_P(Locks, OfAKilledProcessAreTakenOver) {
    auto const child = ::fork();
    if (child == 0) {
        RunLock const lock(path_, options_);
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_EQ(status, 0);
    EXPECT_TRUE(std::filesystem::exists(path_ + ".lock"));
    RunLock const lock(path_, options_);
    lock.require_mine();
}

TEST_P(Locks, OfAnotherHostCountWhileItGivesSignsOfLife) {
    write_lock_of_another_host(0, 1);
    std::thread owner([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        write_lock_of_another_host(0, 2);
    });
    auto const message = message_of<EnvironmentError>([&] { RunLock(path_, options_); });
    owner.join();
    EXPECT_NE(message.find("elsewhere"), std::string::npos) << message;
}

TEST_P(Locks, OfAnotherHostAreTakenOverWhenItIsSilent) {
    write_lock_of_another_host(0.2, 1);
    RunLock const lock(path_, options_);
    lock.require_mine();
    EXPECT_NE(content_of(path_ + ".lock").find(fmt::format("pid {}\n", ::getpid())), std::string::npos);
}

TEST_P(Locks, ThatWereTakenOverAreNoticedByTheLoser) {
    RunLock loser(path_, options_);
    std::filesystem::rename(path_ + ".lock", path_ + ".old");
    RunLock const winner(path_, options_);
    EXPECT_THROW(loser.require_mine(), EnvironmentError);
    winner.require_mine();
    loser.release();
    winner.require_mine();
}

TEST_P(Locks, GiveSignsOfLife) {
    RunLock const lock(path_, options_);
    auto const before = content_of(path_ + ".lock");
    for (int i = 0; i < 200 && content_of(path_ + ".lock") == before; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_NE(content_of(path_ + ".lock"), before);
}

}  // namespace
}  // namespace plenum::io
