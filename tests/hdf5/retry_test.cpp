// Failed tasks of a published file run again, as a run beside it that may be cut short like any other.
#include <gmock/gmock.h>

#include <cmath>
#include <csignal>
#include <plenum/error.hpp>
#include <random>

#include "hdf5/open_run.hpp"
#include "hdf5/resume_tools.hpp"

namespace plenum::hdf5 {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A published file with two maps, of which a task of the first failed, and an array from its results.
class Retry : public Resume {
protected:
    void publish_first(int gzip = 0) {
        auto how = options();
        how.gzip = gzip;
        how.existing = io::ExistingFile::replace;
        how.hosts = {"n0", "n1"};
        auto const sink = create_result_file(how);
        sink->write_array("inputs/x", ElementType::f64, {3}, bytes(numbers(3, 100)), {});
        auto const map = sink->begin_map(fixed_);
        sink->put_fixed(map, 0, 2, bytes(numbers(4, 0)));
        sink->put_failure(map, {.task = 2, .rank = 9, .cause = FailureCause::crash, .message = "pivot"});
        sink->put_fixed(map, 3, 3, bytes(numbers(6, 6)));
        sink->put_timing(
            map, std::vector<io::TimingRow>{{.first = 0, .count = 2, .rank = 1, .start = 5, .duration = 3}});
        sink->put_printed({.map = map, .first = 2, .text = "before the pivot\n"});
        sink->end_map(map);
        sink->write_array("mean", ElementType::f64, {1}, bytes(std::vector<double>{1}), {});
        auto const ragged = sink->begin_map(ragged_);
        sink->put_ragged(ragged, 1, std::vector<std::uint64_t>{3, 1}, bytes(numbers(4, 10)));
        sink->put_failure(ragged, {.task = 0, .message = "no list"});
        sink->publish({});
    }
    std::unique_ptr<io::ResultSink> retry(int gzip = 0) {
        auto how = options();
        how.gzip = gzip;
        how.existing = io::ExistingFile::replace;
        how.take_from = path_;
        how.retry_failed = true;
        how.hosts = {"n2"};
        return create_result_file(how);
    }
    /// Goes on with the run beside the published file.
    std::unique_ptr<io::ResultSink> go_on(io::ExistingFile existing = io::ExistingFile::resume) {
        auto how = options();
        how.existing = existing;
        how.hosts = {"n3"};
        return create_result_file(how);
    }
    /// The rest of the job, whatever is done.
    void finish(io::ResultSink& sink) {
        sink.write_array("inputs/x", ElementType::f64, {3}, bytes(numbers(3, 100)), {});
        auto const map = sink.begin_map(fixed_);
        EXPECT_THAT(sink.earlier_results(map).failed, IsEmpty()) << "what is to run again is no failure";
        if (done_of(sink, map).size() < 6) {
            EXPECT_THAT(done_of(sink, map), ElementsAre(0, 1, 3, 4, 5));
            sink.put_fixed(map, 2, 1, bytes(numbers(2, 4)));
        }
        sink.write_array("mean", ElementType::f64, {1}, bytes(std::vector<double>{2}), {});
        auto const ragged = sink.begin_map(ragged_);
        if (done_of(sink, ragged).size() < 3) {
            EXPECT_THAT(done_of(sink, ragged), ElementsAre(1, 2))
                << "a later map's results are computed again";
            sink.put_ragged(ragged, 0, std::vector<std::uint64_t>{1}, bytes(numbers(1, 9)));
        }
        sink.publish({});
    }
    void expect_all() {
        EXPECT_EQ(load<double>(path_, "results/m"), numbers(12, 0));
        EXPECT_THAT(load<int>(path_, "tasks/m/attempts"), ElementsAre(1, 1, 2, 1, 1, 1));
        EXPECT_THAT(load<double>(path_, "results/r/values"), ElementsAre(9, 10, 11, 12, 13));
        EXPECT_THAT(load<int>(path_, "failures/m/task"), ElementsAre(2));
        EXPECT_THAT(load<double>(path_, "mean"), ElementsAre(2));
        auto const nan = ::testing::NanSensitiveDoubleEq(std::nan(""));
        EXPECT_THAT(load<double>(path_, "tasks/m/start"), ElementsAre(5, 5, nan, nan, nan, nan));
        EXPECT_THAT(load<double>(path_, "tasks/m/duration"), ElementsAre(1.5, 1.5, nan, nan, nan, nan));
        EXPECT_THAT(load<int>(path_, "tasks/m/rank"), ElementsAre(1, 1, -1, -1, -1, -1));
        auto const reader = read_finished(path_);
        std::vector<std::string> hosts;
        reader->for_each_timing(
            0, [&](io::StoredTiming const& timing) { hosts.push_back(io::host_of(reader->run(), timing)); });
        EXPECT_THAT(hosts, ElementsAre("n1", "n1"));
        ASSERT_EQ(reader->run().printed.size(), 1u);
        EXPECT_EQ(reader->run().printed[0].text, "before the pivot\n");
    }
    std::size_t processes() { return read_finished(path_)->run().runs.size(); }
};

TEST_F(Retry, TakesOverAllThatAPublishedFileHolds) {
    for (int const gzip : {0, 4}) {
        publish_first(gzip);
        {
            auto const sink = retry(gzip);
            sink->write_array("inputs/x", ElementType::f64, {3}, bytes(numbers(3, 100)), {});
            auto other = fixed_;
            other.version = 2;
            EXPECT_THROW((void)sink->begin_map(other), UsageError);
        }
        finish(*retry(gzip));
        expect_all();
        EXPECT_EQ(processes(), 3u);
    }
}

TEST_F(Retry, ThatIsKilledGoesOnAsAnyRun) {
    publish_first();
    auto const published = test::content_of(path_);
    // Before anything was asked for, and before the first commit: nothing of it stays.
    die_after([&] { (void)retry().release(); });
    EXPECT_EQ(open_run(path_, Prefer::latest)->run().state, io::RunState::finished);
    EXPECT_THROW((void)go_on(), UsageError) << "there is no run to go on with";
    // Within the first map, with a result; then once more, by another who only resumes.
    die_after([&] {
        auto* const sink = retry().release();
        sink->write_array("inputs/x", ElementType::f64, {3}, bytes(numbers(3, 100)), {});
        auto const map = sink->begin_map(fixed_);
        sink->put_fixed(map, 2, 1, bytes(numbers(2, 4)));
        sink->commit();
    });
    EXPECT_EQ(test::content_of(path_), published);
    auto const latest = open_run(path_, Prefer::latest);
    EXPECT_EQ(latest->run().state, io::RunState::interrupted);
    EXPECT_EQ(latest->run().maps.at(1).done.count(), 2u);
    die_after([&] {
        auto* const sink = go_on().release();
        sink->write_array("inputs/x", ElementType::f64, {3}, bytes(numbers(3, 100)), {});
        (void)sink->begin_map(fixed_);
        sink->write_array("mean", ElementType::f64, {1}, bytes(std::vector<double>{2}), {});
        sink->commit();
    });
    EXPECT_THROW((void)go_on(io::ExistingFile::refuse), UsageError);
    finish(*go_on());
    expect_all();
    EXPECT_EQ(processes(), 4u);
}

TEST_F(Retry, WhatFailsAgainIsRunAgainOnlyWhenAskedFor) {
    publish_first();
    die_after([&] {
        auto* const sink = retry().release();
        auto const map = sink->begin_map(fixed_);
        sink->put_failure(map, {.task = 2, .message = "again"});
        sink->commit();
    });
    {
        auto const sink = go_on();
        auto const failed = sink->earlier_results(sink->begin_map(fixed_)).failed;
        ASSERT_EQ(failed.size(), 1u);
        EXPECT_EQ(failed.front().message, "again");
        EXPECT_EQ(failed.front().attempt, 2);
    }
    {
        auto const sink = retry();
        EXPECT_THAT(sink->earlier_results(sink->begin_map(fixed_)).failed, IsEmpty());
        sink->commit();
    }
    auto const sink = go_on();
    EXPECT_THAT(sink->earlier_results(sink->begin_map(fixed_)).failed, IsEmpty()) << "that is not forgotten";
}

TEST_F(Retry, AnArrayFromResultsMayChangeInSeveralSteps) {
    publish_first();
    auto const mean = [&](io::ResultSink& sink, double value) {
        sink.write_array("mean", ElementType::f64, {1}, bytes(std::vector<double>{value}), {});
    };
    {
        auto const sink = retry();
        (void)sink->begin_map(fixed_);
        EXPECT_THROW(mean(*sink, 7), UsageError) << "no result has changed";
        mean(*sink, 1);
        EXPECT_THROW(sink->write_array("inputs/x", ElementType::f64, {3}, bytes(numbers(3, 101)), {}),
                     UsageError);
    }
    die_after([&] {
        auto* const sink = retry().release();
        auto const map = sink->begin_map(fixed_);
        sink->put_fixed(map, 2, 1, bytes(numbers(2, 4)));
        sink->commit();  // killed before the array
    });
    auto const sink = go_on();
    (void)sink->begin_map(fixed_);
    EXPECT_THROW(sink->write_array("inputs/x", ElementType::f64, {3}, bytes(numbers(3, 101)), {}), UsageError)
        << "inputs may not change with results";
    mean(*sink, 2);
}

TEST_F(Retry, KillsAtAnyMomentEndInTheSameFile) {
    auto const deadline = std::chrono::steady_clock::now() + std::chrono::seconds(15);
    publish_first();
    auto const published = test::content_of(path_);
    auto const start = std::chrono::steady_clock::now();
    finish(*retry());
    auto const usual = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::mt19937_64 random(std::random_device{}());
    int kills = 0;
    for (int run = 0; run < 30 && std::chrono::steady_clock::now() < deadline; ++run) {
        for (auto const* const name : {".partial", ".journal", ".lock"})
            std::filesystem::remove(path_ + name);
        test::write_file(path_, published);
        auto most_us = 1.1e6 * usual;  // and longer from kill to kill, so that it ends on a busy machine
        for (bool ended = false; !ended; most_us *= 1.2) {
            bool const only_resumes = random() % 2 == 0;
            auto const child = ::fork();
            if (child == 0) {
                try {
                    std::unique_ptr<io::ResultSink> sink;
                    if (only_resumes &&
                        open_run(path_, Prefer::latest)->run().state != io::RunState::finished)
                        sink = go_on();
                    else
                        sink = retry();
                    finish(*sink);
                    ::_exit(HasFailure() ? 1 : 0);
                } catch (std::exception const& error) {
                    std::fprintf(stderr, "%s\n", error.what());
                    ::_exit(1);
                }
            }
            ::usleep(static_cast<useconds_t>(std::uniform_real_distribution<double>(0, most_us)(random)));
            ::kill(child, SIGKILL);
            int status = 0;
            ::waitpid(child, &status, 0);
            ASSERT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0) << "after " << kills << " kills";
            kills += WIFSIGNALED(status) ? 1 : 0;
            auto const finished = read_finished_run(path_);
            ASSERT_TRUE(finished) << "neither the old file nor the new one";
            ended = finished->without_result == 0;
            if (!ended) {
                ASSERT_EQ(test::content_of(path_), published);
            }
        }
        expect_all();
        if (HasFailure()) return;
    }
    EXPECT_GT(kills, 0);
    RecordProperty("kills", kills);
}

}  // namespace
}  // namespace plenum::hdf5
