// Examples of docs/guide.md and docs/from-python.md: failures, limits, priorities, scratch folders, refusals.
// What stands between `example:` and `end` is shown there; the checks follow it.
#include <gmock/gmock.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "api/attempts.hpp"
#include "api/pool_test.hpp"

namespace {

using plenum::api_test::contains;

TEST(FailureExample, TheErrorNamesTheTask) {
    auto& pool = plenum::api_test::pool();
    // [example: map-error]
    std::string what;
    std::uint64_t left = 0;
    auto const invert = [](double x) { return x != 0 ? 1 / x : throw std::domain_error("pivot is 0"); };
    std::vector<double> const pivots{4.0, 0.0, 0.5};
    try {
        (void)pool.map(invert, pivots);
    } catch (plenum::MapError<double> const& error) {  // a TaskError with the other results
        what = error.what();                           // task 1 failed on rank ...: pivot is 0
        left = error.results().size() - error.results().failures().size();
    }
    // [end]
    EXPECT_TRUE(contains(what, "task 1 ") && contains(what, "pivot is 0"));
    EXPECT_EQ(left, 2u);
}

TEST(FailureExample, FailuresAreCollected) {
    auto& pool = plenum::api_test::pool();
    // [example: collect]
    auto const results = pool.map(
        [](std::uint64_t i) {
            if (i == 3) std::abort();  // a crash costs this task alone
            return i;
        },
        plenum::indices(10), {.on_failure = plenum::OnFailure::collect});
    for (auto const& failure : results.failures())
        std::printf("task %llu: %s\n", static_cast<unsigned long long>(failure.task),
                    failure.message.c_str());
    // [end]
    ASSERT_EQ(results.failures().size(), 1u);
    EXPECT_EQ(results.failures()[0].task, 3u);
    EXPECT_EQ(results.failures()[0].cause, plenum::FailureCause::crash);
    EXPECT_EQ(results[9], 9u);
    EXPECT_THROW((void)results[3], plenum::TaskError);
}

TEST(FailureExample, FailedTasksRunAgain) {
    auto& pool = plenum::api_test::pool();
    plenum::api_test::AttemptFolder const folder;
    auto const flaky = [files = folder.files()](std::uint64_t i) {
        if (i % 10 == 7 && files.begin(i) < 3) throw std::runtime_error("the licence server is busy");
        return 0.5 * static_cast<double>(i);
    };
    // [example: retries]
    auto const values =
        pool.map(flaky, plenum::indices(100), {.retries = 3, .task_timeout = 60});  // seconds from its start
    // [end]
    EXPECT_EQ(values[97], 48.5);
    EXPECT_EQ(folder.files().attempts(97), 3u);
}

TEST(FailureExample, LazyMapsGoOn) {
    auto& pool = plenum::api_test::pool();
    // [example: imap-collect]
    auto results = pool.imap([](int i) { return i != 2 ? i : throw std::runtime_error("bad input"); },
                             std::vector{1, 2, 3}, {.on_failure = plenum::OnFailure::collect});
    int sum = 0;
    for (int const i : results) sum += i;  // 1 and 3
    std::size_t const failed = results.failures().size();
    // [end]
    EXPECT_EQ(sum, 4);
    EXPECT_EQ(failed, 1u);
}

TEST(ControlExample, PrioritiesAndLimits) {
    auto& pool = plenum::api_test::pool();
    auto const render = [](std::uint64_t i) { return i; };
    auto const preview = render;
    // [example: priority]
    auto const all = pool.map_async(render, plenum::indices(100'000));
    auto const first = pool.map(preview, plenum::indices(10), {.priority = 1});
    auto const soon = pool.submit_with_priority(2, render, std::uint64_t{7});
    // [end]
    EXPECT_EQ(first[9], 9u);
    EXPECT_EQ(soon.get(), 7u);
    EXPECT_EQ(all.get().size(), 100'000u);
}

TEST(ControlExample, CancelDropsWhatDoesNotRun) {
    auto& pool = plenum::api_test::pool();
    // [example: cancel]
    auto const search = pool.map_async(
        [](std::uint64_t i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
            return i;
        },
        plenum::indices(10'000));
    search.cancel();  // pool.cancel() drops everything that is queued
    auto const found = search.partial();
    std::size_t const dropped = found.failures().size();  // with FailureCause::cancelled
    // [end]
    EXPECT_GT(dropped, 0u);
    EXPECT_EQ(found.failures().back().cause, plenum::FailureCause::cancelled);
}

TEST(ControlExample, FewAtATime) {
    auto& pool = plenum::api_test::pool();
    auto const factorize = [](std::uint64_t i) { return 2 * i; };
    auto const leaky = factorize;
    // [example: limits]
    auto const a =
        pool.map(factorize, plenum::indices(20), {.running_per_node = 1});  // much memory in each task
    auto const b =
        pool.map(leaky, plenum::indices(20), {.tasks_per_executor = 10});  // a new process after 10 tasks
    // [end]
    EXPECT_EQ(a[19], 38u);
    EXPECT_EQ(b[19], 38u);
}

TEST(ControlExample, ScratchFolders) {
    auto& pool = plenum::api_test::pool();
    // [example: scratch]
    auto const sizes = pool.map(
        [](std::uint64_t i) {
            auto const file = plenum::scratch_folder() / "intermediate.txt";
            std::ofstream(file) << std::string(i, 'x');
            return std::filesystem::file_size(file);
        },
        plenum::indices(100));
    // [end]
    EXPECT_EQ(sizes[99], 99u);
}

TEST(ControlExample, ProgramsAsTasks) {
    auto& pool = plenum::api_test::pool();
    // [example: program]
    auto const codes = pool.map(
        [](std::uint64_t i) {
            auto const command = "test " + std::to_string(i) + " -lt 8";
            int const status = std::system(command.c_str());
            if (status != 0) throw std::runtime_error(command + " failed");
            return status;
        },
        plenum::indices(10), {.on_failure = plenum::OnFailure::collect});
    // [end]
    ASSERT_EQ(codes.failures().size(), 2u);
    EXPECT_EQ(codes.failures()[0].task, 8u);
}

TEST(RefusalExample, CapturesByReferenceAreErrors) {
    auto& pool = plenum::api_test::pool();
    // [example: refused]
    std::string why;
    std::vector<double> weights(100, 1.0);
    try {
        (void)pool.map([&weights](std::uint64_t i) { return weights[i]; }, plenum::indices(100));
    } catch (plenum::UsageError const& error) {
        why = error.what();  // nothing has run
    }
    // [end]
    EXPECT_TRUE(contains(why, "by reference"));
}

// [example: function-object]
struct Interpolate {
    std::vector<double> knots;
    double operator()(double x) const { return knots.at(static_cast<std::size_t>(x)); }
    template <class Archive>
    void serialize(Archive& archive) {
        archive(knots);
    }
};
// [end]

TEST(RefusalExample, NamedStructsTravelWithTheirState) {
    auto& pool = plenum::api_test::pool();
    // [example: function-object]
    auto const values = pool.map(Interpolate{{1.0, 4.0, 9.0}}, std::vector{0.5, 2.5});
    // [end]
    EXPECT_EQ(values[1], 9.0);
}

}  // namespace
