// Tasks that fail and run again, tasks that take too long, and tasks that take too much memory.
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <new>
#include <numeric>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "api/attempts.hpp"
#include "api/pool_test.hpp"

namespace plenum::api_test {
namespace {

/// Seconds that a task may take.
double too_long() {
    return 0.5 * patience();
}

enum class Way { segfault, abort, leave, exception, no_exception, hang, deaf, memory, closes, fine };
/// Those that take long are few.
constexpr Way draw[] = {Way::segfault,     Way::segfault,  Way::abort,     Way::abort,
                        Way::leave,        Way::leave,     Way::exception, Way::no_exception,
                        Way::no_exception, Way::memory,    Way::memory,    Way::closes,
                        Way::closes,       Way::exception, Way::hang,      Way::deaf};

bool fails(Way way) {
    return way != Way::fine && way != Way::closes;
}

/// A fixed draw of 5 % of the tasks, and how they fail.
Way way_of(std::uint64_t task) {
    auto hash = (task + 1) * 0x9E3779B97F4A7C15u;
    hash = (hash ^ (hash >> 31)) * 0xBF58476D1CE4E5B9u;
    if ((hash >> 40) % 20 != 0) return Way::fine;
    return draw[(hash >> 20) % std::size(draw)];
}

[[noreturn]] void hang_forever() {
    for (;;) {
        auto volatile busy = 0U;
        for (auto i = 0U; i < 1'000'000U; ++i) busy = busy + i;
    }
}

void fail_as(Way way) {
    switch (way) {
        case Way::segfault:
            ::raise(SIGSEGV);
            break;
        case Way::abort:
            std::abort();
        case Way::leave:
            std::exit(3);
        case Way::exception:
            throw std::runtime_error("thrown");
        case Way::no_exception:
            throw 42;
        case Way::hang:
            hang_forever();
        case Way::deaf: {
            sigset_t all;
            ::sigfillset(&all);
            ::sigprocmask(SIG_BLOCK, &all, nullptr);
            for (;;) ::pause();
        }
        case Way::memory:
            throw std::bad_alloc();
        case Way::closes:
            ::close_range(0, ~0u, 0);  // no failure: the task goes on
            break;
        case Way::fine:
            break;
    }
}

FailureCause cause_of(Way way) {
    switch (way) {
        case Way::exception:
        case Way::no_exception:
            return FailureCause::exception;
        case Way::hang:
        case Way::deaf:
            return FailureCause::timeout;
        case Way::memory:
            return FailureCause::out_of_memory;
        default:
            return FailureCause::crash;
    }
}

TEST(Failures, OfEveryKindAreNamedWithTheirCauseAndTheOtherTasksAreRight) {
    constexpr std::uint64_t tasks = 2000;
    auto const results = pool().map(
        [](std::uint64_t i) {
            fail_as(way_of(i));
            return i * i;
        },
        indices(tasks), {.on_failure = OnFailure::collect, .task_timeout = too_long()});
    std::map<std::uint64_t, TaskError::Data> failed;
    for (auto const& failure : results.failures()) failed.emplace(failure.task, failure);
    EXPECT_EQ(failed.size(), results.failures().size());
    std::set<Way> seen;
    for (std::uint64_t i = 0; i < tasks; ++i) {
        auto const way = way_of(i);
        seen.insert(way);
        auto const found = failed.find(i);
        ASSERT_EQ(found != failed.end(), fails(way)) << "task " << i;
        if (!fails(way)) {
            ASSERT_EQ(results[i], i * i);
            continue;
        }
        EXPECT_EQ(found->second.cause, cause_of(way)) << "task " << i << ": " << found->second.message;
        EXPECT_EQ(found->second.attempt, 1);
        if (cause_of(way) == FailureCause::timeout) {
            EXPECT_TRUE(contains(found->second.message, (std::ostringstream() << too_long() << " s").str()));
        }
    }
    EXPECT_EQ(seen.size(), 10u) << "the draw has every way";
}

TEST(Retries, UntilSuccessGiveTheResultsOfAnUndisturbedRun) {
    AttemptFolder const folder;
    constexpr std::uint64_t tasks = 300;
    for (auto const* const technique : {"auto", "static"}) {
        auto const results = pool().map(
            [files = folder.files()](std::uint64_t i) {
                auto const way = way_of(i);
                if (fails(way) && files.begin(i) % 3 != 0) fail_as(way);
                return std::to_string(i) + std::string(i % 50, 'w');
            },
            indices(tasks),
            {.schedule = technique,
             .on_failure = OnFailure::collect,
             .retries = 2,
             .task_timeout = too_long()});
        EXPECT_TRUE(results.failures().empty());
        for (std::uint64_t i = 0; i < tasks; ++i)
            ASSERT_EQ(results[i], std::to_string(i) + std::string(i % 50, 'w'));
    }
    for (std::uint64_t i = 0; i < tasks; ++i)
        EXPECT_EQ(folder.files().attempts(i), fails(way_of(i)) ? 6u : 0u) << "task " << i;
}

TEST(Retries, OfResultsOfFixedSizeLeaveTheNeighboursAlone) {
    AttemptFolder const folder;
    auto const results = pool().map(
        [files = folder.files()](std::uint64_t i) {
            if (i % 7 == 3 && files.begin(i) == 1) throw std::runtime_error("once");
            return i + 1;
        },
        indices(300), {.chunk_size = 10, .retries = 1});
    for (std::uint64_t i = 0; i < 300; ++i) ASSERT_EQ(results[i], i + 1);
}

TEST(Retries, ThatAreUsedUpTellTheLastAttempt) {
    AttemptFolder const folder;
    auto const results = pool().map(
        [files = folder.files()](std::uint64_t i) {
            if (i == 5) throw std::runtime_error("attempt " + std::to_string(files.begin(i)));
            return i;
        },
        indices(10), {.on_failure = OnFailure::collect, .retries = 3});
    ASSERT_EQ(results.failures().size(), 1u);
    EXPECT_EQ(results.failures()[0].attempt, 4);
    EXPECT_EQ(results.failures()[0].message, "attempt 4");
    EXPECT_EQ(folder.files().attempts(5), 4u);
}

TEST(Retries, OfATaskThatKeepsCrashingEndInQuarantine) {
    AttemptFolder const folder;
    auto const results = pool().map(
        [files = folder.files()](std::uint64_t i) {
            if (i == 7 && files.begin(i) > 0) std::abort();
            return i;
        },
        indices(20), {.on_failure = OnFailure::collect, .retries = 50});
    ASSERT_EQ(results.failures().size(), 1u);
    EXPECT_EQ(results.failures()[0].attempt, 3);
    EXPECT_TRUE(contains(results.failures()[0].message, "quarantined after 3 crashes"));
    EXPECT_EQ(folder.files().attempts(7), 3u);
}

TEST(Retries, OfAnImapComeInTheOrderOfTheItemsAndOnce) {
    AttemptFolder const folder;
    std::uint64_t next = 0;
    for (auto const& value : pool().imap(
             [files = folder.files()](std::uint64_t i) {
                 if (i % 11 == 2 && files.begin(i) == 1) std::abort();
                 return std::vector<std::uint64_t>(i % 5, i);
             },
             indices(200), {.retries = 1})) {
        EXPECT_EQ(value, std::vector<std::uint64_t>(next % 5, next));
        ++next;
    }
    EXPECT_EQ(next, 200u);
}

TEST(Retries, OfItemsGiveTheTaskItsItemAgain) {
    AttemptFolder const folder;
    std::vector<std::string> items;
    for (int i = 0; i < 100; ++i) items.push_back("item " + std::to_string(i));
    auto const results = pool().map(
        [files = folder.files()](std::string const& item) {
            auto const number = std::stoull(item.substr(5));
            if (number % 9 == 4 && files.begin(number) < 3) throw std::runtime_error(item);
            return item + "!";
        },
        items, {.retries = 2});
    for (std::size_t i = 0; i < items.size(); ++i) EXPECT_EQ(results[i], items[i] + "!");
}

TEST(TaskTimeout, KillsOnlyTheTaskThatTakesTooLong) {
    auto const results = pool().map(
        [](std::uint64_t i) {
            // Together far longer than the timeout: it counts for each task, not for its chunk.
            if (i % 20 == 6) hang_forever();
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
            return i;
        },
        indices(60), {.chunk_size = 30, .on_failure = OnFailure::collect, .task_timeout = too_long()});
    ASSERT_EQ(results.failures().size(), 3u);
    for (auto const& failure : results.failures()) {
        EXPECT_EQ(failure.task % 20, 6u);
        EXPECT_EQ(failure.cause, FailureCause::timeout);
    }
    for (std::uint64_t i = 0; i < 60; ++i)
        if (i % 20 != 6) {
            ASSERT_EQ(results[i], i);
        }
}

/// Whether the process is there and no zombie.
bool is_alive(pid_t process) {
    std::ifstream stat("/proc/" + std::to_string(process) + "/stat");
    std::string number, name, state;
    return stat >> number >> name >> state && state != "Z";
}

TEST(TaskTimeout, TakesTheProgramsThatTheTaskHasStartedWithIt) {
    AttemptFolder const folder;
    auto const results = pool().map(
        [files = folder.files()](std::uint64_t i) {
            if (i != 3) return i;
            auto const program = ::fork();
            if (program == 0)
                for (;;) ::pause();  // in place of one that does not end
            std::ofstream(std::string(files.folder.data()) + "/program") << program;
            hang_forever();
            return i;
        },
        indices(6), {.on_failure = OnFailure::collect, .task_timeout = too_long()});
    ASSERT_EQ(results.failures().size(), 1u);
    EXPECT_EQ(results.failures().front().cause, FailureCause::timeout);
    pid_t program = 0;
    std::ifstream(std::string(folder.files().folder.data()) + "/program") >> program;
    ASSERT_GT(program, 0);
    for (int i = 0; is_alive(program) && i < 1000; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_FALSE(is_alive(program));
    if (is_alive(program)) ::kill(program, SIGKILL);
}

TEST(TaskTimeout, FindsATaskThatHasLeftItsProcessGroup) {
    auto const results = pool().map(
        [](std::uint64_t i) {
            if (i != 3) return i;
            auto const program = ::fork();
            if (program == 0)
                for (;;) ::pause();  // stays in the group
            // Another program of the same session makes the group that this one goes to.
            auto const other = ::fork();
            if (other == 0) {
                ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // nobody else ends it: it is in no group of the task
                ::setpgid(0, 0);
                for (;;) ::pause();
            }
            while (::setpgid(0, other) != 0) ::usleep(1000);
            hang_forever();
            return i;
        },
        indices(6), {.on_failure = OnFailure::collect, .task_timeout = too_long()});
    ASSERT_EQ(results.failures().size(), 1u);
    EXPECT_EQ(results.failures().front().cause, FailureCause::timeout);
}

TEST(TaskTimeout, FindsATaskThatHangsAmongVeryShortOnes) {
    constexpr std::uint64_t tasks = 200'000;
    auto const results = pool().map(
        [](std::uint64_t i) {
            if (i == 123'456) hang_forever();
            return i;
        },
        indices(tasks), {.on_failure = OnFailure::collect, .task_timeout = too_long()});
    ASSERT_EQ(results.failures().size(), 1u);
    EXPECT_EQ(results.failures()[0].task, 123'456u);
    EXPECT_EQ(results.failures()[0].cause, FailureCause::timeout);
    for (std::uint64_t i = 0; i < tasks; ++i)
        if (i != 123'456) {
            ASSERT_EQ(results[i], i);
        }
}

TEST(OutOfMemory, IsTheCauseOfAnExceptionForLackOfMemory) {
    auto const results = pool().map(
        [](std::uint64_t i) -> std::uint64_t {
            if (i == 1) throw std::bad_alloc();
            if (i == 2) {
                auto volatile length = -1;
                return std::unique_ptr<int[]>(new int[static_cast<std::size_t>(length)])[0] == 0;
            }
            return i;
        },
        indices(4), {.on_failure = OnFailure::collect});
    ASSERT_EQ(results.failures().size(), 2u);
    EXPECT_EQ(results.failures()[0].cause, FailureCause::out_of_memory);
    EXPECT_EQ(results.failures()[1].cause, FailureCause::exception) << "a length that no memory could hold";
}

TEST(OutOfMemory, EndsATaskAtTheLimitOfTheRunAndNoOther) {
    if (std::getenv("PLENUM_TASK_MEMORY") == nullptr) GTEST_SKIP() << "the run has no limit";
    // Far more than the limit in all, and far less for each task.
    auto const results = pool().map(
        [](std::uint64_t i) {
            std::vector<char> memory(i % 10 == 3 ? std::size_t{1} << 30 : std::size_t{16} << 20, 'm');
            return std::accumulate(memory.begin(), memory.begin() + 1000, std::uint64_t{0});
        },
        indices(50), {.on_failure = OnFailure::collect});
    ASSERT_EQ(results.failures().size(), 5u);
    for (auto const& failure : results.failures()) {
        EXPECT_EQ(failure.task % 10, 3u);
        EXPECT_EQ(failure.cause, FailureCause::out_of_memory);
    }
    EXPECT_EQ(results[0], 1000u * 'm');
}

}  // namespace
}  // namespace plenum::api_test
