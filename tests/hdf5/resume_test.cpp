// Result files of runs that were cut short: what was committed is there, nothing else is, and the run goes
// on.
#include <gmock/gmock.h>

#include <plenum/error.hpp>

#include "hdf5/open_run.hpp"
#include "hdf5/resume_tools.hpp"
#include "io/recorded_run.hpp"

namespace plenum::hdf5 {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

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

}  // namespace
}  // namespace plenum::hdf5
