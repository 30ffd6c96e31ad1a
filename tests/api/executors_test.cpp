// Several executors in each rank (PLENUM_EXECUTORS): all of them work at once, and one that dies disturbs no
// other.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "api/pool_test.hpp"

namespace plenum::api_test {
namespace {

/// Executors of all ranks.
std::uint64_t executors() {
    auto const* const text = std::getenv("PLENUM_EXECUTORS");
    auto const per_rank = text == nullptr ? 1ul : std::strtoul(text, nullptr, 10);
    return per_rank * static_cast<std::uint64_t>(pool().ranks());
}

/// A file with a word that all processes of the machine see; zero at first.
class SharedWord {
public:
    SharedWord() : path_(testing::TempDir() + "plenum-executors-XXXXXX") {
        int const file = ::mkstemp(path_.data());
        if (file < 0 || ::ftruncate(file, 4096) != 0) throw std::runtime_error("cannot make " + path_);
        ::close(file);
    }
    SharedWord(SharedWord const&) = delete;
    SharedWord& operator=(SharedWord const&) = delete;
    ~SharedWord() { ::unlink(path_.c_str()); }
    [[nodiscard]] std::string const& path() const { return path_; }

private:
    std::string path_;
};

/// Waits until `wanted` tasks are here at the same time.
struct Meeting {
    std::string path;
    std::uint64_t wanted = 0;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(path, wanted);
    }
    void wait() const {
        auto* const file = std::fopen(path.c_str(), "r+");
        if (file == nullptr) throw std::runtime_error("cannot open " + path);
        auto* const memory = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ::fileno(file), 0);
        std::fclose(file);
        if (memory == MAP_FAILED) throw std::runtime_error("cannot map " + path);
        auto& here = *static_cast<std::atomic<std::uint64_t>*>(memory);
        ++here;
        auto const end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (here < wanted && std::chrono::steady_clock::now() < end)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        auto const seen = here.load();
        ::munmap(memory, 4096);
        if (seen < wanted) throw std::runtime_error("only " + std::to_string(seen) + " tasks run at once");
    }
};

struct MeetAndTell : Meeting {
    std::uint64_t crashing = UINT64_MAX;  ///< this task dies when all are there
    template <class Archive>
    void serialize(Archive& archive) {
        Meeting::serialize(archive);
        archive(crashing);
    }
    pid_t operator()(std::uint64_t task) const {
        wait();
        if (task == crashing) ::raise(SIGKILL);
        return ::gettid();
    }
};

/// One task on each executor, all at the same time: who ran them.
Results<pid_t> meet(std::uint64_t crashing = UINT64_MAX, OnFailure on_failure = OnFailure::raise) {
    SharedWord const word;
    MeetAndTell task;
    task.path = word.path();
    task.wanted = executors();
    task.crashing = crashing;
    return pool().map(task, indices(executors()), {.schedule = "ss", .on_failure = on_failure});
}

std::set<pid_t> set_of(Results<pid_t> const& results) {
    std::set<pid_t> set;
    for (std::uint64_t i = 0; i < executors(); ++i) set.insert(results[i]);
    return set;
}

TEST(Executors, AllWorkAtTheSameTime) {
    EXPECT_EQ(set_of(meet()).size(), executors());
}

TEST(Executors, OneThatDiesDisturbsNoOther) {
    if (!tasks_are_isolated()) GTEST_SKIP() << "a crash ends the run";
    auto const before = set_of(meet());
    for (int round = 0; round < 5; ++round) {
        auto const crashing = static_cast<std::uint64_t>(round) % executors();
        auto const results = meet(crashing, OnFailure::collect);
        ASSERT_EQ(results.failures().size(), 1u);
        EXPECT_EQ(results.failures().front().task, crashing);
        EXPECT_EQ(results.failures().front().cause, FailureCause::crash);
        for (std::uint64_t i = 0; i < executors(); ++i)
            if (i != crashing && round == 0) {
                EXPECT_TRUE(before.contains(results[i])) << "task " << i << " ran on a new executor";
            }
    }
    auto const after = set_of(meet());
    EXPECT_EQ(after.size(), executors());
    std::vector<pid_t> kept;
    std::ranges::set_intersection(before, after, std::back_inserter(kept));
    EXPECT_GE(kept.size() + 5, executors()) << "more executors were replaced than died";
}

TEST(Executors, GiveTheSameResultsWithEveryTechnique) {
    for (auto const* const technique : {"auto", "static", "ss", "gss", "tss", "fac2"}) {
        constexpr std::uint64_t tasks = 20'000;
        auto const numbers =
            pool().map([](std::uint64_t i) { return i * i; }, indices(tasks), {.schedule = technique});
        for (std::uint64_t i = 0; i < tasks; ++i) ASSERT_EQ(numbers[i], i * i) << technique;
        auto const words =
            pool().map([](std::uint64_t i) { return std::string(i % 17, 'x') + std::to_string(i); },
                       indices(2000), {.schedule = technique});
        for (std::uint64_t i = 0; i < 2000; ++i)
            ASSERT_EQ(words[i], std::string(i % 17, 'x') + std::to_string(i)) << technique;
    }
}

TEST(Executors, ManyBatchesOfOneTaskEach) {
    for (std::uint64_t n = 0; n < 200; ++n) {
        auto const result = pool().map([n](std::uint64_t i) { return n + i; }, indices(1));
        ASSERT_EQ(result[0], n);
    }
}

TEST(Executors, HaveTheThreadsThatWereAskedFor) {
    auto const* const asked = std::getenv("PLENUM_THREADS_PER_TASK");
    if (asked == nullptr || !tasks_are_isolated()) GTEST_SKIP() << "no number was asked for";
    auto const threads =
        pool().map([](std::uint64_t) { return std::string(std::getenv("OMP_NUM_THREADS")); }, indices(20));
    for (std::uint64_t i = 0; i < 20; ++i) EXPECT_EQ(threads[i], asked);
}

}  // namespace
}  // namespace plenum::api_test
