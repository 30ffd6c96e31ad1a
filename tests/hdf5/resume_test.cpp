// Result files of runs that were cut short: what was committed is there, nothing else is, and the run goes
// on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <cstring>
#include <fstream>
#include <functional>
#include <numeric>
#include <plenum/error.hpp>
#include <random>
#include <tuple>

#include "hdf5/dataset_source.hpp"
#include "hdf5/open_run.hpp"
#include "hdf5/result_file.hpp"
#include "io/deaths.hpp"
#include "io/recorded_run.hpp"
#include "io/temporary_folder.hpp"

namespace plenum::hdf5 {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

template <class T>
std::span<std::byte const> bytes(std::vector<T> const& values) {
    return std::as_bytes(std::span(values));
}

template <class T>
std::vector<T> load(std::string const& file, std::string const& dataset) {
    auto const source = make_dataset_source();
    std::vector<T> values(count_of(source->info(file, dataset).shape));
    source->read(file, dataset, element_type_of<T>(), std::as_writable_bytes(std::span(values)));
    return values;
}

std::vector<std::uint64_t> done_of(io::ResultSink const& sink, io::MapId map) {
    std::vector<std::uint64_t> tasks;
    for (auto const& [first, count] : sink.earlier_results(map).done)
        for (std::uint64_t i = 0; i < count; ++i) tasks.push_back(first + i);
    return tasks;
}

class Resume : public ::testing::Test {
protected:
    ResultFileOptions options() {
        return {.path = path_,
                .identity = {.job = "j", .options = {{"size", "3", true}}, .seed = 1, .build = "b"},
                .commit_seconds = 0,
                .say = [this](std::string const& line) { said_ += line + "\n"; }};
    }
    std::unique_ptr<io::ResultSink> create() { return create_result_file(options()); }

    /// Runs `work` in a process that then dies on the spot.
    static void die_after(std::function<void()> const& work) {
        auto const child = ::fork();
        if (child == 0) {
            try {
                work();
            } catch (std::exception const& error) {
                std::fputs(error.what(), stderr);
                ::_exit(1);
            }
            ::_exit(::testing::Test::HasFailure() ? 1 : 0);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        ASSERT_EQ(status, 0);
    }

    static std::vector<double> numbers(std::size_t count, double first) {
        std::vector<double> values(count);
        std::iota(values.begin(), values.end(), first);
        return values;
    }

    io::MapSpec const fixed_{.name = "m", .tasks = 6, .shape = {2}};
    io::MapSpec const ragged_{.name = "r", .tasks = 3, .fixed = false};
    test::TemporaryFolder folder_;
    std::string path_ = folder_.file("out.h5");
    std::string said_;
};

TEST_F(Resume, WhatWasCommittedIsDoneAndNothingElse) {
    die_after([&] {
        auto* const sink = create().release();  // no destructor runs
        auto const map = sink->begin_map(fixed_);
        sink->put_fixed(map, 4, 2, bytes(numbers(4, 8)));
        sink->put_failure(map, {.task = 2, .rank = 9, .message = "pivot"});
        sink->put_failure(map, {.task = 3, .rank = 9, .message = "pivot", .retried = true});
        auto const ragged = sink->begin_map(ragged_);
        sink->put_ragged(ragged, 1, std::vector<std::uint64_t>{3}, bytes(numbers(3, 10)));
        sink->write_array("inputs/x", ElementType::f64, {3}, bytes(numbers(3, 100)), {});
        sink->commit();
        sink->put_fixed(map, 0, 2, bytes(numbers(4, 0)));  // not committed
        sink->put_ragged(ragged, 0, std::vector<std::uint64_t>{1}, bytes(numbers(1, 0)));
    });
    EXPECT_EQ(load<double>(path_ + ".partial", "results/m").size(), 12u) << "not readable after the kill";
    auto const sink = create();
    auto const map = sink->begin_map(fixed_);
    EXPECT_THAT(done_of(*sink, map), ElementsAre(4, 5));
    auto const failed = sink->earlier_results(map).failed;
    ASSERT_EQ(failed.size(), 1u) << "an attempt that was to be followed by another is no failure";
    EXPECT_EQ(failed.front().task, 2u);
    EXPECT_EQ(failed.front().message, "pivot");
    sink->put_fixed(map, 0, 2, bytes(numbers(4, 0)));
    sink->put_fixed(map, 2, 2, bytes(numbers(4, 4)));
    std::vector<double> back(4);
    sink->read_fixed(map, 4, 2, std::as_writable_bytes(std::span(back)));
    EXPECT_THAT(back, ElementsAre(8, 9, 10, 11));
    auto const ragged = sink->begin_map(ragged_);
    EXPECT_THAT(done_of(*sink, ragged), ElementsAre(1));
    sink->put_ragged(ragged, 2, std::vector<std::uint64_t>{1}, bytes(numbers(1, 20)));
    sink->write_array("inputs/x", ElementType::f64, {3}, bytes(numbers(3, 100)), {});
    EXPECT_THROW(sink->write_array("inputs/x", ElementType::f64, {3}, bytes(numbers(3, 100)), {}),
                 UsageError);
    sink->publish({});
    EXPECT_EQ(load<double>(path_, "results/m"), numbers(12, 0));
    EXPECT_THAT(load<int>(path_, "tasks/m/attempts"), ElementsAre(1, 1, 2, 2, 1, 1));
    EXPECT_THAT(load<double>(path_, "results/r/values"), ElementsAre(10, 11, 12, 20));
    EXPECT_THAT(load<int>(path_, "tasks/r/status"), ElementsAre(2, 0, 0));
    for (auto const* const name : {".partial", ".journal", ".lock"})
        EXPECT_FALSE(std::filesystem::exists(path_ + name)) << name;
    EXPECT_EQ(said_, "");
}

TEST_F(Resume, AnotherIdentityIsRefusedByWhatDiffers) {
    die_after([&] {
        auto* const sink = create().release();
        auto const map = sink->begin_map(fixed_);
        sink->put_fixed(map, 0, 1, bytes(numbers(2, 8)));
        sink->commit();
    });
    auto const refused = [&](ResultFileOptions const& changed) {
        return test::message_of<UsageError>([&] { (void)create_result_file(changed); });
    };
    auto changed = options();
    changed.identity.options[0].value = "4";
    EXPECT_THAT(refused(changed),
                ::testing::AllOf(HasSubstr("--size was 3 and is 4 now"), HasSubstr("--restart")));
    changed = options();
    changed.identity.seed = 2;
    EXPECT_THAT(refused(changed), HasSubstr("--seed was 1 and is 2 now"));
    changed = options();
    changed.identity.job = "k";
    EXPECT_THAT(refused(changed), HasSubstr("the job was j and is k now"));
    changed.restart = true;
    {
        auto const sink = create_result_file(changed);
        EXPECT_THAT(done_of(*sink, sink->begin_map(fixed_)), IsEmpty());
    }
    EXPECT_TRUE(folder_.is_empty());
}

TEST_F(Resume, AnotherMapOfTheNameIsRefusedByWhatDiffers) {
    auto spec = fixed_;
    spec.items_crc = 1;
    spec.arrays = {{.bytes = 100, .crc = 5}};
    die_after([&] {
        auto* const sink = create().release();
        auto const map = sink->begin_map(spec);
        sink->put_fixed(map, 0, 1, bytes(numbers(2, 8)));
        sink->commit();
    });
    auto const sink = create();
    auto const refused = [&](auto&& change) {
        auto changed = spec;
        change(changed);
        return test::message_of<UsageError>([&] { (void)sink->begin_map(changed); });
    };
    EXPECT_THAT(refused([](auto& s) { s.version = 2; }), HasSubstr("its version was 1 and is 2 now"));
    EXPECT_THAT(refused([](auto& s) { s.tasks = 7; }), HasSubstr("number of tasks was 6 and is 7 now"));
    EXPECT_THAT(refused([](auto& s) { s.type = ElementType::i64; }), HasSubstr("type"));
    EXPECT_THAT(refused([](auto& s) {
                    s.shape = {1, 2};
                }),
                HasSubstr("shape of its results was 2 and is 1 x 2"));
    EXPECT_THAT(refused([](auto& s) { s.items_crc = 2; }), HasSubstr("items"));
    EXPECT_THAT(refused([](auto& s) { s.arrays[0].crc = 6; }), HasSubstr("shared array 1"));
    EXPECT_THAT(done_of(*sink, sink->begin_map(spec)), ElementsAre(0));
}

TEST_F(Resume, AnotherArrayIsRefusedUnlessResultsCameSince) {
    die_after([&] {
        auto* const sink = create().release();
        auto const map = sink->begin_map(fixed_);
        sink->put_fixed(map, 0, 1, bytes(numbers(2, 8)));
        sink->write_array("x", ElementType::f64, {3}, bytes(numbers(3, 100)), {});
    });
    auto const sink = create();
    auto const map = sink->begin_map(fixed_);
    EXPECT_THROW(sink->write_array("x", ElementType::f64, {3}, bytes(numbers(3, 101)), {}), UsageError);
    sink->put_fixed(map, 1, 1, bytes(numbers(2, 8)));
    sink->write_array("x", ElementType::f64, {3}, bytes(numbers(3, 101)), {});
    sink->publish({});
    EXPECT_THAT(load<double>(path_, "x"), ElementsAre(101, 102, 103));
}

TEST_F(Resume, DamagedResultsRunAgain) {
    die_after([&] {
        auto* const sink = create().release();
        auto const map = sink->begin_map(fixed_);
        sink->put_fixed(map, 0, 1, bytes(numbers(2, 0)));
        sink->commit();
        sink->put_fixed(map, 3, 2, bytes(numbers(4, 6)));
        sink->commit();
    });
    auto content = test::content_of(path_ + ".partial");
    double const seven = 7;  // a value of task 3
    auto const at = content.find(std::string(reinterpret_cast<char const*>(&seven), sizeof seven));
    ASSERT_NE(at, std::string::npos);
    content[at + 3] = 1;
    test::write_file(path_ + ".partial", content);
    {
        auto const sink = create();
        EXPECT_THAT(done_of(*sink, sink->begin_map(fixed_)), ElementsAre(0));
        EXPECT_THAT(said_, HasSubstr("2 results of map 'm'"));
    }
    auto const sink = create();
    auto const map = sink->begin_map(fixed_);
    EXPECT_THAT(done_of(*sink, map), ElementsAre(0));
    sink->put_fixed(map, 1, 5, bytes(numbers(10, 2)));
    sink->publish({});
    EXPECT_EQ(load<double>(path_, "results/m"), numbers(12, 0));
}

TEST_F(Resume, DamageAroundTheResultsIsRefused) {
    die_after([&] {
        auto* const sink = create().release();
        auto const map = sink->begin_map(fixed_);
        sink->put_fixed(map, 0, 1, bytes(numbers(2, 0)));
        sink->commit();
        sink->write_array("inputs/x", ElementType::f64, {3}, bytes(numbers(3, 100)), {});
    });
    auto const recorded = io::read_journal(path_ + ".journal");
    ASSERT_TRUE(recorded && recorded->layout);
    auto const content = test::content_of(path_ + ".partial");
    auto const offset = recorded->maps.at(0).offset;
    auto const results = 12 * sizeof(double);
    int refused = 0;
    for (std::size_t at = 0; at < content.size(); at += 97) {
        bool const is_data = (at >= offset && at < offset + results) ||
                             (at >= recorded->arrays.at(0).offset && at < recorded->arrays.at(0).offset + 24);
        if (is_data) continue;
        auto changed = content;
        changed[at] = static_cast<char>(changed[at] ^ 1);
        test::write_file(path_ + ".partial", changed);
        EXPECT_THAT(test::message_of<EnvironmentError>([&] { (void)create(); }),
                    HasSubstr("damaged outside"));
        ++refused;
    }
    EXPECT_GT(refused, 20);
    test::write_file(path_ + ".partial", content + "x");
    EXPECT_THAT(test::message_of<EnvironmentError>([&] { (void)create(); }), HasSubstr("damaged outside"));
    test::write_file(path_ + ".partial", content);
    EXPECT_THAT(done_of(*create(), 0), ElementsAre(0));
}

TEST_F(Resume, AnArrayThatWasWrittenAgainIsTheLastOne) {
    auto const run = [&](double value) {
        auto* const sink = create().release();
        auto const map = sink->begin_map(fixed_);
        auto const next = done_of(*sink, map).size();
        sink->put_fixed(map, next, 1, bytes(numbers(2, 2.0 * static_cast<double>(next))));
        sink->write_array("mean", ElementType::f64, {1}, bytes(std::vector<double>{value}), {});
        sink->commit();
    };
    for (double const value : {1.0, 2.0, 3.0}) die_after([&] { run(value); });
    EXPECT_EQ(io::read_journal(path_ + ".journal")->arrays.size(), 1u);
    auto const sink = create();
    auto const map = sink->begin_map(fixed_);
    sink->put_fixed(map, 3, 3, bytes(numbers(6, 6)));
    sink->write_array("mean", ElementType::f64, {1}, bytes(std::vector<double>{3}), {});
    sink->publish({});
    EXPECT_EQ(load<double>(path_, "results/m"), numbers(12, 0));
    EXPECT_THAT(load<double>(path_, "mean"), ElementsAre(3));
}

TEST_F(Resume, FilesWithoutTheirPartnerAreNotTouched) {
    die_after([&] {
        auto* const sink = create().release();
        auto const map = sink->begin_map(fixed_);
        sink->put_fixed(map, 0, 1, bytes(numbers(2, 0)));
        sink->commit();
    });
    std::filesystem::rename(path_ + ".journal", path_ + ".aside");
    EXPECT_THAT(test::message_of<EnvironmentError>([&] { (void)create(); }), HasSubstr("has no journal"));
    std::filesystem::rename(path_ + ".aside", path_ + ".journal");
    std::filesystem::rename(path_ + ".partial", path_ + ".aside");
    EXPECT_THAT(test::message_of<EnvironmentError>([&] { (void)create(); }), HasSubstr("is missing"));
    std::filesystem::rename(path_ + ".aside", path_ + ".partial");
    EXPECT_THAT(done_of(*create(), 0), ElementsAre(0));
}

TEST_F(Resume, AKilledPublishingIsFinishedByTheSameCommand) {
    {
        auto const sink = create();
        auto const map = sink->begin_map(fixed_);
        sink->put_fixed(map, 0, 6, bytes(numbers(12, 0)));
        sink->commit();
        std::filesystem::copy_file(path_ + ".journal", path_ + ".kept");
        sink->publish({});
    }
    // As if it had been killed after the change of name.
    std::filesystem::rename(path_ + ".kept", path_ + ".journal");
    auto const finished = read_finished_run(path_);
    ASSERT_TRUE(finished.has_value());
    EXPECT_EQ(finished->fingerprint, io::fingerprint(options().identity));
    EXPECT_EQ(finished->tasks, 6u);
    EXPECT_EQ(finished->without_result, 0u);
    EXPECT_THROW((void)create(), UsageError);
    auto replacing = options();
    replacing.existing = io::ExistingFile::replace;
    auto const sink = create_result_file(replacing);
    EXPECT_THAT(done_of(*sink, sink->begin_map(fixed_)), IsEmpty())
        << "a published journal was taken for an open one";
}

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

TEST_F(Resume, RunOptionsStayWithTheRunAndAreNoPartOfWhatItIs) {
    auto begun = options();
    begun.run_options = {{"retries", "2"}, {"compress", "gzip:1"}};
    die_after([&] {
        auto* const sink = create_result_file(begun).release();
        auto const map = sink->begin_map(fixed_);
        sink->put_fixed(map, 0, 6, bytes(numbers(12, 8)));
        sink->commit();
    });
    EXPECT_EQ(open_run(path_, Prefer::latest)->run().options, begun.run_options);
    auto other = options();
    other.run_options = {{"retries", "7"}};
    auto const sink = create_result_file(other);
    EXPECT_EQ(said_, "");
    (void)sink->begin_map(fixed_);
    sink->publish({});
    auto const reader = open_run(path_, Prefer::finished);
    EXPECT_EQ(reader->run().options, other.run_options);
    EXPECT_THAT(reader->check().damage, IsEmpty());
    EXPECT_EQ(read_finished_run(path_)->fingerprint, io::fingerprint(options().identity));
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

TEST_F(Resume, CompressedResultsAreTheSame) {
    auto compressed = options();
    compressed.gzip = 4;
    compressed.pack_threads = 3;
    std::vector<double> shares;
    compressed.packed = [&](double share) { shares.push_back(share); };
    auto const spec = io::MapSpec{.name = "m", .tasks = 700, .shape = {3, 100}};
    auto const large =
        io::MapSpec{.name = "large", .tasks = 2, .type = ElementType::u8, .shape = {3000, 1000}};
    std::vector<std::uint8_t> const picture(6'000'000, 7);
    std::vector<std::uint16_t> shorts(700'000);
    std::iota(shorts.begin(), shorts.end(), std::uint16_t{0});
    {
        auto const sink = create_result_file(compressed);
        auto const map = sink->begin_map(spec);
        sink->put_fixed(map, 0, 700, bytes(numbers(210'000, 0)));
        sink->put_fixed(sink->begin_map(large), 0, 2, bytes(picture));
        auto const ragged = sink->begin_map(ragged_);
        sink->put_ragged(ragged, 1, std::vector<std::uint64_t>{3}, bytes(numbers(3, 10)));
        auto const lists =
            sink->begin_map({.name = "lists", .tasks = 3, .type = ElementType::u16, .fixed = false});
        sink->put_ragged(lists, 2, std::vector<std::uint64_t>{700'000}, bytes(shorts));
        sink->put_ragged(lists, 0, std::vector<std::uint64_t>{500'000, 0}, bytes(shorts).first(1'000'000));
        (void)sink->begin_map({.name = "none", .tasks = 0, .shape = {4}});
        sink->put_ragged(sink->begin_map({.name = "empty", .tasks = 2, .fixed = false}), 0,
                         std::vector<std::uint64_t>{0, 0}, {});
        sink->write_array("inputs/x", ElementType::f64, {3}, bytes(numbers(3, 100)), {});
        sink->publish({});
    }
    EXPECT_TRUE(std::ranges::is_sorted(shares));
    EXPECT_DOUBLE_EQ(shares.back(), 1);
    auto joined = std::vector(shorts.begin(), shorts.begin() + 500'000);
    joined.insert(joined.end(), shorts.begin(), shorts.end());
    EXPECT_EQ(load<std::uint16_t>(path_, "results/lists/values"), joined);
    EXPECT_THAT(load<std::uint64_t>(path_, "results/lists/offsets"),
                ElementsAre(0, 500'000, 500'000, 1'200'000));
    EXPECT_THAT(load<double>(path_, "results/none"), IsEmpty());
    EXPECT_THAT(load<double>(path_, "results/empty/values"), IsEmpty());
    EXPECT_THAT(load<std::uint64_t>(path_, "results/empty/offsets"), ElementsAre(0, 0, 0));
    EXPECT_EQ(load<double>(path_, "results/m"), numbers(210'000, 0));
    EXPECT_EQ(load<std::uint8_t>(path_, "results/large"), picture);
    EXPECT_THAT(load<double>(path_, "results/r/values"), ElementsAre(10, 11, 12));
    EXPECT_THAT(load<double>(path_, "inputs/x"), ElementsAre(100, 101, 102));
    EXPECT_LT(std::filesystem::file_size(path_), 1'600'000u);
    std::vector<std::string> names;
    for (auto const& entry : std::filesystem::directory_iterator(path_.substr(0, path_.rfind('/'))))
        names.push_back(entry.path().filename());
    EXPECT_THAT(names, ElementsAre("out.h5"));
}

/// A run that does a bit of everything and goes on wherever it was.
void whole_run(ResultFileOptions const& options) {
    auto const sink = create_result_file(options);
    auto const value = [](std::uint64_t task, std::uint64_t i) {
        return static_cast<double>(1000 * task + i);
    };
    for (int m = 0; m < 3; ++m) {
        io::MapSpec const spec{.name = "fixed" + std::to_string(m), .tasks = 40, .shape = {5}};
        auto const map = sink->begin_map(spec);
        std::vector<bool> done(spec.tasks);
        for (auto const task : done_of(*sink, map)) done[task] = true;
        for (std::uint64_t task = 0; task < spec.tasks; ++task) {
            if (done[task]) continue;
            std::vector<double> values;
            for (std::uint64_t i = 0; i < 5; ++i) values.push_back(value(task, i));
            sink->put_fixed(map, task, 1, bytes(values));
            if (task % 3 == 0) (void)sink->commit_if_due();
        }
        sink->end_map(map);
        io::MapSpec const lists{.name = "ragged" + std::to_string(m), .tasks = 20, .fixed = false};
        auto const ragged = sink->begin_map(lists);
        done.assign(lists.tasks, false);
        for (auto const task : done_of(*sink, ragged)) done[task] = true;
        for (std::uint64_t task = 0; task < lists.tasks; ++task) {
            if (done[task]) continue;
            std::vector<double> values(task % 7, value(task, 0));
            sink->put_ragged(ragged, task, std::vector<std::uint64_t>{values.size()}, bytes(values));
            if (task % 3 == 0) (void)sink->commit_if_due();
        }
        std::vector<double> const array(100, m);
        sink->write_array("arrays/a" + std::to_string(m), ElementType::f64, {100}, bytes(array), {});
    }
    sink->publish({});
}

TEST_F(Resume, KillsAtAnyMomentLoseNothingThatWasCommitted) {
    auto const deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    auto const reference = folder_.file("reference.h5");
    auto plain = options();
    plain.path = reference;
    auto const start = std::chrono::steady_clock::now();
    whole_run(plain);
    auto const usual = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::mt19937_64 random(std::random_device{}());
    int kills = 0, runs = 0;
    while (runs < 40 && std::chrono::steady_clock::now() < deadline) {
        for (auto const* const name : {"", ".partial", ".journal", ".lock"})
            std::filesystem::remove(path_ + name);
        auto how = options();
        how.gzip = runs % 2 == 0 ? 0 : 4;
        how.pack_threads = 1 + runs % 3;
        for (;; ++kills) {
            auto const child = ::fork();
            if (child == 0) {
                try {
                    whole_run(how);
                    ::_exit(0);
                } catch (std::exception const& error) {
                    std::fprintf(stderr, "%s\n", error.what());
                    ::_exit(1);
                }
            }
            auto const pause = std::uniform_real_distribution<double>(0, 1.1 * usual)(random);
            ::usleep(static_cast<useconds_t>(pause * 1e6));
            ::kill(child, SIGKILL);
            int status = 0;
            ::waitpid(child, &status, 0);
            ASSERT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0) << "after " << kills << " kills";
            if (!WIFSIGNALED(status) || std::filesystem::exists(path_)) break;
        }
        ++runs;
        for (int m = 0; m < 3; ++m) {
            auto const name = std::to_string(m);
            for (auto const& dataset :
                 {"results/fixed" + name, "results/ragged" + name + "/values", "arrays/a" + name})
                ASSERT_EQ(load<double>(path_, dataset), load<double>(reference, dataset)) << dataset;
            ASSERT_EQ(load<std::uint64_t>(path_, "results/ragged" + name + "/offsets"),
                      load<std::uint64_t>(reference, "results/ragged" + name + "/offsets"));
            ASSERT_THAT(load<int>(path_, "tasks/fixed" + name + "/status"), ::testing::Each(0));
        }
    }
    EXPECT_GT(kills, 0);
    RecordProperty("kills", kills);
}

}  // namespace
}  // namespace plenum::hdf5
