// Cached functions in tasks: called once for each argument whatever the ranks, again for a new version, and
// found again by the body and by lambdas that captured them.
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <ranges>

#include "api/pool_test.hpp"

namespace plenum::api_test {
namespace {

constexpr std::uint64_t count = 500;

/// A folder for a cache and a file in which each call leaves a byte; the executors have to see it.
class Folder {
public:
    Folder() {
        auto name = (std::filesystem::temp_directory_path() / "plenum-api-cache-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "no folder";
        path_ = name;
        name.copy(calls_.data(), name.size());
        std::string_view("/calls").copy(calls_.data() + name.size(), 6);
    }
    Folder(Folder const&) = delete;
    Folder& operator=(Folder const&) = delete;
    Folder(Folder&&) = delete;
    Folder& operator=(Folder&&) = delete;
    ~Folder() { std::filesystem::remove_all(path_); }

    [[nodiscard]] Memory cache() const { return Memory((path_ / "cache").string()); }
    [[nodiscard]] std::array<char, 200> calls() const { return calls_; }
    [[nodiscard]] std::uint64_t count_calls() const {
        std::error_code missing;
        auto const size = std::filesystem::file_size(calls_.data(), missing);
        return missing ? 0 : size;
    }
    [[nodiscard]] std::ptrdiff_t files() const {
        return std::distance(std::filesystem::directory_iterator(path_ / "cache"), {});
    }

private:
    std::filesystem::path path_;
    std::array<char, 200> calls_{};
};

void note_call(std::array<char, 200> const& calls) {
    auto const fd = ::open(calls.data(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (::write(fd, "x", 1) != 1) std::abort();
    ::close(fd);
}

TEST(Cache, ASecondMapOverTheSameItemsCallsNothing) {
    Folder const folder;
    auto const slow = folder.cache().cached(
        [calls = folder.calls()](std::uint64_t i) {
            note_call(calls);
            return i * i + 1;
        },
        "slow", 1);
    for (int round = 0; round < 3; ++round) {
        auto const results = pool().map(slow, indices(count));
        for (std::uint64_t i = 0; i < count; ++i) ASSERT_EQ(results[i], i * i + 1);
        EXPECT_EQ(folder.count_calls(), count) << "round " << round;
    }
    EXPECT_EQ(slow(7), 50u);  // in the body
    EXPECT_TRUE(slow.check_call_in_cache(7));
    EXPECT_FALSE(slow.check_call_in_cache(count));
    EXPECT_EQ(folder.count_calls(), count);
    EXPECT_EQ(folder.files(), 1);
}

TEST(Cache, AnotherVersionComputesAgainAndTheOldOneIsStillThere) {
    Folder const folder;
    auto const version = [&](std::int64_t number, std::uint64_t factor) {
        return folder.cache().cached(
            [calls = folder.calls(), factor](std::uint64_t i) {
                note_call(calls);
                return i * factor;
            },
            "scale", number);
    };
    EXPECT_EQ(pool().map(version(1, 2), indices(count))[10], 20u);
    EXPECT_EQ(pool().map(version(2, 3), indices(count))[10], 30u);
    EXPECT_EQ(folder.count_calls(), 2 * count);
    EXPECT_EQ(pool().map(version(1, 5), indices(count))[10], 20u);  // what f captures is not in the key
    EXPECT_EQ(folder.count_calls(), 2 * count);
}

TEST(Cache, ClearingIsSeenByTheExecutors) {
    Folder const folder;
    auto const cache = folder.cache();
    auto const slow = cache.cached(
        [calls = folder.calls()](std::uint64_t i) {
            note_call(calls);
            return std::string(i % 100, 'x');
        },
        "strings", 1);
    for (std::uint64_t round = 1; round <= 3; ++round) {
        auto const results = pool().map(slow, indices(count));
        for (std::uint64_t i = 0; i < count; ++i) ASSERT_EQ(results[i], std::string(i % 100, 'x'));
        EXPECT_EQ(folder.count_calls(), round * count);
        EXPECT_EQ(cache.clear("others"), 0u);
        EXPECT_EQ(round % 2 == 0 ? cache.clear() : cache.clear("strings"), count);
    }
}

TEST(Cache, ReducingIsSeenByTheExecutors) {
    Folder const folder;
    auto const cache = folder.cache();
    auto const slow = cache.cached(
        [calls = folder.calls()](std::uint64_t i) {
            note_call(calls);
            return i + 1;
        },
        "numbers", 1);
    (void)pool().map(slow, std::views::iota(std::uint64_t{0}, count));  // the older results
    (void)pool().map(slow, std::views::iota(count, count + 100));       // the younger ones
    EXPECT_EQ(cache.reduce_size({.items = 100}), count);
    EXPECT_EQ(pool().map(slow, std::views::iota(count, count + 100))[99], count + 100);
    EXPECT_EQ(folder.count_calls(), count + 100) << "the younger results are still there";
    EXPECT_EQ(pool().map(slow, indices(count))[10], 11u);
    EXPECT_EQ(folder.count_calls(), 2 * count + 100) << "the older ones are computed again";
    EXPECT_EQ(folder.files(), 1);
}

std::vector<double> row(std::string const& name) {
    return std::vector<double>(name.size(), 0.5);
}

TEST(Cache, FunctionsAndCapturedCachesWorkInTasks) {
    Folder const folder;
    auto const cache = folder.cache();
    auto const rows = cache.cached(row, "row", 1);
    std::vector<std::string> names;
    for (std::uint64_t i = 0; i < count; ++i) names.push_back(std::string(i % 40, 'n'));
    auto const results = pool().map(rows, names);
    for (std::uint64_t i = 0; i < count; ++i) ASSERT_EQ(results[i], row(names[i]));
    auto const found = pool().map(
        [rows, cache](std::string const& name) {
            auto const inside = cache.cached(row, "row", 1);
            return rows.check_call_in_cache(name) && inside.check_call_in_cache(name) &&
                   !cache.cached(row, "row", 2).check_call_in_cache(name);
        },
        names);
    for (std::uint64_t i = 0; i < count; ++i) ASSERT_TRUE(found[i]);
}

TEST(Cache, ATaskThatThrowsIsRunAgain) {
    Folder const folder;
    auto const moody = folder.cache().cached(
        [calls = folder.calls()](std::uint64_t i) {
            note_call(calls);
            if (i == 3) throw std::runtime_error("not today");
            return i;
        },
        "moody", 1);
    for (int round = 0; round < 2; ++round) {
        auto const results = pool().map(moody, indices(10), {.on_failure = OnFailure::collect});
        ASSERT_EQ(results.failures().size(), 1u);
        EXPECT_EQ(results.failures().front().task, 3u);
    }
    EXPECT_EQ(folder.count_calls(), 11u);
}

TEST(Cache, ATaskKilledWhileItWritesLeavesTheCacheWhole) {
    if (!tasks_are_isolated()) GTEST_SKIP() << "a killed task would end the program";
    Folder const folder;
    auto const large = folder.cache().cached(
        [](std::uint64_t i) { return std::vector<double>(200'000, static_cast<double>(i)); }, "large", 1);
    auto const results = pool().map(
        [large](std::uint64_t i) {
            if (i % 5 == 0) {
                ::alarm(0);
                timer_t timer{};
                sigevent event{};
                event.sigev_notify = SIGEV_SIGNAL;
                event.sigev_signo = SIGKILL;
                ::timer_create(CLOCK_MONOTONIC, &event, &timer);
                itimerspec const when{{0, 0}, {0, static_cast<long>(100'000 + 40'000 * i)}};
                ::timer_settime(timer, 0, &when, nullptr);
                for (std::uint64_t k = 0;; ++k) (void)large(1000 * (i + 1) + k);
            }
            return large(i).back();
        },
        indices(60), {.on_failure = OnFailure::collect});
    EXPECT_EQ(results.failures().size(), 12u);
    auto const again = pool().map([large](std::uint64_t i) { return large(i).front(); }, indices(60));
    for (std::uint64_t i = 0; i < 60; ++i) ASSERT_EQ(again[i], static_cast<double>(i));
    EXPECT_EQ(folder.files(), 1);
}

}  // namespace
}  // namespace plenum::api_test
