// Attempts of tasks over the processes of a run: which failures still count, and deaths of whole runs.
#include <gmock/gmock.h>

#include <tuple>

#include "hdf5/resume_tools.hpp"
#include "io/deaths.hpp"

namespace plenum::hdf5 {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(Resume, TellsWhichFailedAttemptsStillCount) {
    die_after([&] {
        auto* const sink = create().release();
        auto const map = sink->begin_map(fixed_);
        auto const fail = [&](std::uint64_t task, FailureCause cause, bool retried) {
            sink->put_failure(map, {.task = task, .cause = cause, .retried = retried});
        };
        fail(0, FailureCause::exception, true);
        fail(1, FailureCause::crash, true);
        fail(0, FailureCause::timeout, true);
        fail(1, FailureCause::crash, false);
        fail(2, FailureCause::crash, false);
        fail(3, FailureCause::exception, true);
        fail(2, FailureCause::exception, true);
        sink->put_fixed(map, 3, 1, bytes(numbers(2, 0)));
        sink->commit();
    });
    auto const sink = create();
    auto const earlier = sink->earlier_results(sink->begin_map(fixed_));
    std::vector<std::tuple<std::uint64_t, int, FailureCause, bool>> attempts;
    for (auto const& [task, attempt, cause, counts] : earlier.attempts)
        attempts.emplace_back(task, attempt, cause, counts);
    using Row = std::tuple<std::uint64_t, int, FailureCause, bool>;
    EXPECT_THAT(attempts,
                ElementsAre(Row{0, 1, FailureCause::exception, true},  // to run again
                            Row{1, 1, FailureCause::crash, false},     // failed for good
                            Row{0, 2, FailureCause::timeout, true}, Row{1, 2, FailureCause::crash, false},
                            Row{2, 1, FailureCause::crash, false},  // the same, then asked for
                            Row{2, 2, FailureCause::exception, true}));
    ASSERT_EQ(earlier.failed.size(), 1u);
    EXPECT_EQ(earlier.failed.front().task, 1u);
}

TEST_F(Resume, DeathsOfTheRunAreCrashesOfTheTasksAtWork) {
    auto const death = [&](std::uint32_t map, std::uint64_t task, std::int64_t process) {
        io::append_deaths(io::deaths_path_of(path_),
                          std::vector{io::Death{.run = io::run_key(options().identity),
                                                .map = map,
                                                .task = task,
                                                .rank = 1,
                                                .process = process,
                                                .host = "h"}});
    };
    auto const begin = [&](bool dies, auto&& look) {
        auto const go = [&] {
            auto limited = options();
            limited.crash_limit = 3;
            auto sink = create_result_file(limited);
            auto const fixed = sink->begin_map(fixed_);
            auto const ragged = sink->begin_map(ragged_);
            look(*sink, sink->earlier_results(fixed), sink->earlier_results(ragged));
            return sink;
        };
        if (dies)
            die_after([&] { (void)go().release(); });
        else
            go()->publish({});
    };
    // Before anything is committed: there is no journal that counts.
    death(0, 2, 100);
    death(1, 1, 101);
    death(0, 99, 101);
    death(7, 0, 101);
    begin(true, [](auto& sink, io::EarlierResults const& fixed, io::EarlierResults const& ragged) {
        ASSERT_EQ(fixed.attempts.size(), 1u);
        EXPECT_EQ(fixed.attempts.front().task, 2u);
        EXPECT_TRUE(fixed.attempts.front().counts);
        EXPECT_THAT(fixed.at_death, ElementsAre(2));
        EXPECT_THAT(fixed.failed, IsEmpty());
        EXPECT_EQ(ragged.attempts.size(), 1u);
        sink.put_fixed(0, 5, 1, bytes(numbers(2, 0)));
        sink.commit();
    });
    death(0, 2, 102);
    death(0, 5, 102);  // its result was committed
    begin(true, [](auto&, io::EarlierResults const& fixed, io::EarlierResults const& ragged) {
        ASSERT_EQ(fixed.attempts.size(), 2u) << "each death counts once";
        EXPECT_THAT(fixed.at_death, ElementsAre(2)) << "task 5 has come to its end";
        EXPECT_EQ(fixed.attempts.back().attempt, 2);
        EXPECT_EQ(ragged.attempts.size(), 1u);
        EXPECT_THAT(fixed.failed, IsEmpty());
    });
    death(0, 2, 103);
    begin(true, [](auto&, io::EarlierResults const& fixed, io::EarlierResults const&) {
        ASSERT_EQ(fixed.failed.size(), 1u);
        EXPECT_EQ(fixed.failed.front().cause, FailureCause::crash);
        EXPECT_THAT(fixed.failed.front().message, HasSubstr("(quarantined after 3 crashes)"));
        EXPECT_THAT(fixed.quarantined, ElementsAre(2));
    });
    begin(false, [](auto&, io::EarlierResults const& fixed, io::EarlierResults const&) {
        EXPECT_EQ(fixed.failed.size(), 1u);
        EXPECT_THAT(fixed.quarantined, IsEmpty()) << "that was the process before";
        EXPECT_EQ(fixed.attempts.size(), 3u);
    });
    EXPECT_FALSE(std::filesystem::exists(io::deaths_path_of(path_)));
    EXPECT_THAT(load<int>(path_, "tasks/m/attempts"), ElementsAre(0, 0, 3, 0, 0, 1));
}

}  // namespace
}  // namespace plenum::hdf5
