// Result files: round trips, failures, misuse, full disks, visibility.
#include "hdf5/result_file.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <plenum/error.hpp>
#include <thread>

#include "hdf5/file_tools.hpp"
#include "hdf5/library.hpp"
#include "hdf5/open_run.hpp"
#include "io/temporary_folder.hpp"

namespace plenum::hdf5 {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Shape shape_of(std::string const& file, std::string const& dataset) {
    return make_dataset_source()->info(file, dataset).shape;
}

class ResultFile : public ::testing::Test {
protected:
    ResultFile() { open_library(); }
    std::unique_ptr<io::ResultSink> create() { return create_result_file({.path = path_}); }

    test::TemporaryFolder folder_;
    std::string path_ = folder_.file("out.h5");
};

TEST_F(ResultFile, HoldsFixedResultsPutInAnyOrder) {
    auto const sink = create();
    auto const map = sink->begin_map({.name = "m", .tasks = 10, .shape = {2}});
    auto const all = numbers(20, 0);
    auto const part = [&](std::size_t first, std::size_t count) {
        return bytes(all).subspan(16 * first, 16 * count);
    };
    sink->put_fixed(map, 7, 3, part(7, 3));
    sink->put_fixed(map, 0, 4, part(0, 4));
    sink->put_fixed(map, 4, 3, part(4, 3));
    EXPECT_EQ(sink->bytes_written(), 160u);
    EXPECT_EQ(load<double>(path_ + ".partial", "results/m"), all) << "not readable before it is published";
    sink->end_map(map);
    sink->publish({});
    EXPECT_EQ(load<double>(path_, "results/m"), all);
    EXPECT_EQ(shape_of(path_, "results/m"), (Shape{10, 2}));
    EXPECT_THAT(load<int>(path_, "tasks/m/status"), ::testing::Each(0));
    EXPECT_THAT(load<int>(path_, "tasks/m/attempts"), ::testing::Each(1));
}

TEST_F(ResultFile, HoldsRaggedResultsPutInAnyOrder) {
    auto const sink = create();
    auto const map = sink->begin_map({.name = "r", .tasks = 6, .type = ElementType::u16, .fixed = false});
    sink->put_ragged(map, 4, std::vector<std::uint64_t>{1}, bytes(std::vector<std::uint16_t>{44}));
    sink->put_ragged(map, 0, std::vector<std::uint64_t>{2, 0, 3},
                     bytes(std::vector<std::uint16_t>{1, 2, 21, 22, 23}));
    sink->end_map(map);
    sink->publish({});
    EXPECT_THAT(load<int>(path_, "results/r/offsets"), ElementsAre(0, 2, 2, 5, 5, 6, 6));
    EXPECT_THAT(load<int>(path_, "results/r/values"), ElementsAre(1, 2, 21, 22, 23, 44));
    EXPECT_THAT(load<int>(path_, "tasks/r/status"), ElementsAre(0, 0, 0, 2, 0, 2));
    EXPECT_THAT(load<int>(path_, "tasks/r/attempts"), ElementsAre(1, 1, 1, 0, 1, 0));
}

TEST_F(ResultFile, HoldsRaggedResultsLargerThanMemoryBuffers) {
    constexpr std::uint64_t tasks = 3000;
    auto const sink = create();
    auto const map = sink->begin_map({.name = "r", .tasks = tasks, .fixed = false});
    // Backwards, so that nothing is in place by accident; task i has i % 997 values of i.
    for (auto last = tasks; last > 0; last -= 100) {
        std::vector<std::uint64_t> lengths;
        std::vector<double> values;
        for (auto task = last - 100; task < last; ++task) {
            lengths.push_back(task % 997);
            values.insert(values.end(), task % 997, static_cast<double>(task));
        }
        sink->put_ragged(map, last - 100, lengths, bytes(values));
    }
    sink->publish({});
    auto const offsets = load<std::uint64_t>(path_, "results/r/offsets");
    auto const values = load<double>(path_, "results/r/values");
    ASSERT_EQ(offsets.size(), tasks + 1);
    ASSERT_EQ(offsets.back(), values.size());
    EXPECT_EQ(values.size() * 8, sink->bytes_written());
    for (std::uint64_t task = 0; task < tasks; ++task) {
        ASSERT_EQ(offsets[task + 1] - offsets[task], task % 997);
        for (auto at = offsets[task]; at < offsets[task + 1]; ++at)
            ASSERT_EQ(values[at], static_cast<double>(task));
    }
}

TEST_F(ResultFile, KeepsEarlierResultsWhenMapsAndArraysAreAdded) {
    auto const sink = create();
    auto const first = sink->begin_map({.name = "a", .tasks = 4});
    sink->put_fixed(first, 0, 2, bytes(numbers(2, 1)));
    auto const second = sink->begin_map({.name = "b", .tasks = 2, .type = ElementType::f32});
    sink->write_array("inputs/x", ElementType::f64, {3}, bytes(numbers(3, 100)),
                      {{"units", std::string("m")}});
    sink->put_fixed(second, 0, 2, bytes(std::vector<float>{9, 8}));
    auto const ragged = sink->begin_map({.name = "c", .tasks = 1, .fixed = false});
    sink->put_fixed(first, 2, 2, bytes(numbers(2, 3)));
    sink->put_ragged(ragged, 0, std::vector<std::uint64_t>{1}, bytes(numbers(1, 5)));
    sink->publish({});
    EXPECT_THAT(load<double>(path_, "results/a"), ElementsAre(1, 2, 3, 4));
    EXPECT_THAT(load<double>(path_, "results/b"), ElementsAre(9, 8));
    EXPECT_THAT(load<double>(path_, "results/c/values"), ElementsAre(5));
    EXPECT_THAT(load<double>(path_, "inputs/x"), ElementsAre(100, 101, 102));
}

TEST_F(ResultFile, MapsMayBeEmpty) {
    auto const sink = create();
    auto const none = sink->begin_map({.name = "none", .tasks = 0});
    auto const hollow = sink->begin_map({.name = "hollow", .tasks = 3, .shape = {0, 2}});
    auto const ragged = sink->begin_map({.name = "ragged", .tasks = 0, .fixed = false});
    sink->put_fixed(hollow, 0, 3, {});
    sink->put_fixed(none, 0, 0, {});
    sink->put_ragged(ragged, 0, {}, {});
    sink->publish({});
    EXPECT_EQ(shape_of(path_, "results/none"), (Shape{0}));
    EXPECT_EQ(shape_of(path_, "results/hollow"), (Shape{3, 0, 2}));
    EXPECT_THAT(load<int>(path_, "tasks/hollow/status"), ElementsAre(0, 0, 0));
    EXPECT_THAT(load<int>(path_, "tasks/none/status"), IsEmpty());
    EXPECT_THAT(load<int>(path_, "results/ragged/offsets"), ElementsAre(0));
}

TEST_F(ResultFile, RecordsFailuresAndRetries) {
    auto const sink = create();
    auto const map = sink->begin_map({.name = "m", .tasks = 5, .shape = {2}});
    sink->put_fixed(map, 0, 2, bytes(numbers(4, 0)));
    sink->put_failure(map, {.task = 2, .attempt = 1, .rank = 3, .cause = FailureCause::crash});
    sink->put_failure(map, {.task = 3, .attempt = 1, .rank = 4});
    sink->put_failure(map, {.task = 3, .attempt = 2, .rank = 5});
    sink->put_fixed(map, 2, 1, bytes(numbers(2, 4)));  // the second attempt
    sink->end_map(map);
    sink->publish({});
    EXPECT_THAT(load<int>(path_, "tasks/m/status"), ElementsAre(0, 0, 0, 1, 2));
    EXPECT_THAT(load<int>(path_, "tasks/m/attempts"), ElementsAre(1, 1, 2, 2, 0));
    EXPECT_THAT(load<int>(path_, "failures/m/task"), ElementsAre(2, 3, 3));
    EXPECT_THAT(load<int>(path_, "failures/m/rank"), ElementsAre(3, 4, 5));
    auto const values = load<double>(path_, "results/m");
    EXPECT_EQ(values[4], 4);
    EXPECT_EQ(values[5], 5);
    EXPECT_TRUE(std::isnan(values[6]) && std::isnan(values[7]));
}

TEST_F(ResultFile, SpreadsTimingOverTheTasksOfAChunk) {
    auto const sink = create_result_file({.path = path_, .hosts = {"x", "x", "y", "", "", "", "", "x"}});
    auto const map = sink->begin_map({.name = "m", .tasks = 5});
    sink->put_timing(map,
                     std::vector<io::TimingRow>{
                         {.first = 1, .count = 2, .rank = 7, .start = 10, .duration = 3, .peak_rss = 99}});
    sink->put_timing(map, std::vector<io::TimingRow>{{.first = 4, .rank = 1, .start = 1, .duration = 8}});
    sink->put_timing(map, std::vector<io::TimingRow>{{.first = 4, .rank = 2, .start = 20, .duration = 4}});
    sink->publish({});
    EXPECT_THAT(load<int>(path_, "tasks/m/rank"), ElementsAre(-1, 7, 7, -1, 2));
    EXPECT_THAT(load<int>(path_, "tasks/m/host"), ElementsAre(-1, 0, 0, -1, 1));
    auto const nan = ::testing::NanSensitiveDoubleEq(std::nan(""));
    EXPECT_THAT(load<double>(path_, "tasks/m/start"), ElementsAre(nan, 10, 10, nan, 20));
    EXPECT_THAT(load<double>(path_, "tasks/m/duration"), ElementsAre(nan, 1.5, 1.5, nan, 4));
    EXPECT_THAT(load<int>(path_, "tasks/m/peak_rss"), ElementsAre(0, 99, 99, 0, 0));
}

TEST_F(ResultFile, RefusesWhatDoesNotFitTheMap) {
    auto const sink = create();
    auto const fixed = sink->begin_map({.name = "m", .tasks = 5});
    auto const ragged = sink->begin_map({.name = "r", .tasks = 5, .fixed = false});
    auto const two = numbers(2, 0);
    std::vector<std::uint64_t> const lengths{1, 1};
    EXPECT_THROW(sink->put_fixed(fixed, 4, 2, bytes(two)), UsageError);
    EXPECT_THROW(sink->put_fixed(fixed, ~0ull, 2, bytes(two)), UsageError);
    EXPECT_THROW(sink->put_fixed(fixed, 0, 3, bytes(two)), UsageError);
    EXPECT_THROW(sink->put_fixed(ragged, 0, 2, bytes(two)), UsageError);
    EXPECT_THROW(sink->put_fixed(2, 0, 2, bytes(two)), UsageError);
    EXPECT_THROW(sink->put_ragged(fixed, 0, lengths, bytes(two)), UsageError);
    EXPECT_THROW(sink->put_ragged(ragged, 0, std::vector<std::uint64_t>{1, 2}, bytes(two)), UsageError);
    sink->put_ragged(ragged, 1, lengths, bytes(two));
    EXPECT_THROW(sink->put_ragged(ragged, 2, lengths, bytes(two)), UsageError) << "task 2 twice";
    EXPECT_THROW(sink->put_failure(fixed, {.task = 5}), UsageError);
    EXPECT_THROW(sink->put_timing(fixed, std::vector<io::TimingRow>{{.first = 4, .count = 2}}), UsageError);
    EXPECT_THROW(sink->write_array("x", ElementType::f64, {3}, bytes(two), {}), UsageError);
    sink->write_array("x", ElementType::f64, {2}, bytes(two), {});
    EXPECT_THROW(sink->write_array("x", ElementType::f64, {2}, bytes(two), {}), UsageError);
    sink->end_map(fixed);
    EXPECT_THROW(sink->put_fixed(fixed, 0, 2, bytes(two)), UsageError);
    sink->publish({});
    EXPECT_THROW((void)sink->begin_map({.name = "n", .tasks = 1}), UsageError);
    EXPECT_THROW(sink->publish({}), UsageError);
}

TEST_F(ResultFile, RefusesMapsThatMakeNoSense) {
    auto const sink = create();
    auto const refused = [&](io::MapSpec const& spec) {
        return test::message_of<UsageError>([&] { (void)sink->begin_map(spec); });
    };
    (void)sink->begin_map(
        {.name = "m", .tasks = 2, .scales = {{.dimension = 0, .name = "angle", .values = {1, 2}}}});
    EXPECT_THAT(refused({.name = "m", .tasks = 1}), HasSubstr("'m'"));
    EXPECT_THAT(refused({.name = "angle", .tasks = 1}), HasSubstr("a scale"));
    EXPECT_THAT(refused({.name = "a/b", .tasks = 1}), HasSubstr("'a/b'"));
    EXPECT_THAT(refused({.name = "", .tasks = 1}), HasSubstr("name"));
    EXPECT_THAT(refused({.name = "x", .tasks = 2, .shape = {3}, .dimensions = {"task"}}),
                HasSubstr("1 names for 2 dimensions"));
    EXPECT_THAT(refused({.name = "x", .tasks = 2, .scales = {{.dimension = 0, .name = "s", .values = {1}}}}),
                HasSubstr("1 values for a dimension of length 2"));
    EXPECT_THAT(refused({.name = "x", .tasks = 2, .scales = {{.dimension = 1, .name = "s"}}}),
                HasSubstr("'s'"));
    EXPECT_THAT(refused({.name = "x", .tasks = 1ull << 40, .shape = {1ull << 30}}), HasSubstr("too large"));
    // A scale whose name is taken moves aside, but one that says the same is shared.
    (void)sink->begin_map(
        {.name = "n", .tasks = 2, .scales = {{.dimension = 0, .name = "angle", .values = {3, 4}}}});
    (void)sink->begin_map(
        {.name = "o", .tasks = 2, .scales = {{.dimension = 0, .name = "angle", .values = {1, 2}}}});
    sink->publish({});
    EXPECT_THAT(load<int>(path_, "results/angle"), ElementsAre(1, 2));
    EXPECT_THAT(load<int>(path_, "results/n_angle"), ElementsAre(3, 4));
    EXPECT_THROW((void)load<int>(path_, "results/o_angle"), EnvironmentError);
}

TEST_F(ResultFile, IsNeverSeenHalfMade) {
    // A reader takes the file in the moment in which it appears.
    std::vector<double> seen;
    std::thread reader([&] {
        while (!std::filesystem::exists(path_)) std::this_thread::yield();
        seen = load<double>(path_, "results/m");
    });
    auto const all = numbers(200'000, 0);
    {
        auto const sink = create();
        auto const map = sink->begin_map({.name = "m", .tasks = all.size()});
        for (std::size_t i = 0; i < all.size(); i += 1000)
            sink->put_fixed(map, i, 1000, bytes(all).subspan(8 * i, 8000));
        EXPECT_FALSE(std::filesystem::exists(path_));
        sink->publish({});
    }
    reader.join();
    EXPECT_EQ(seen, all);
}

TEST_F(ResultFile, LeavesNothingWithoutResults) {
    {
        auto const sink = create();
        (void)sink->begin_map({.name = "r", .tasks = 100, .fixed = false});
        sink->write_array("inputs/x", ElementType::f64, {3}, bytes(numbers(3, 100)), {});
    }
    EXPECT_TRUE(folder_.is_empty());
}

TEST_F(ResultFile, IsNotOverwrittenUnlessToldSo) {
    create()->publish({});
    EXPECT_THROW((void)create(), UsageError);
    auto const sink = create_result_file({.path = path_, .existing = io::ExistingFile::replace});
    sink->write_array("x", ElementType::f64, {}, bytes(numbers(1, 4)), {});
    sink->publish({});
    EXPECT_THAT(load<double>(path_, "x"), ElementsAre(4));
}

TEST_F(ResultFile, NeedsRoomForTheWholeMap) {
    auto const sink = create();
    auto const message = test::message_of<EnvironmentError>(
        [&] { (void)sink->begin_map({.name = "m", .tasks = 1ull << 40, .shape = {1 << 10}}); });
    EXPECT_THAT(message, AllOf(HasSubstr("out.h5"), HasSubstr("8.0 PiB"), HasSubstr("-o")));
}

TEST_F(ResultFile, SaysHowFarItCameWhenTheDiskIsFull) {
    auto const sink = create();
    auto const map = sink->begin_map({.name = "m", .tasks = 1 << 20});
    auto const block = numbers(1 << 16, 0);
    test::FileSizeLimit const limit(1 << 20);
    sink->put_fixed(map, 0, block.size(), bytes(block));
    auto const message = test::message_of<EnvironmentError>(
        [&] { sink->put_fixed(map, 1 << 18, block.size(), bytes(block)); });
    EXPECT_THAT(message, AllOf(HasSubstr("disk full"), HasSubstr("512.0 KiB of 8.0 MiB written")));
}

TEST_F(ResultFile, AFullDiskAtTheEndIsAnErrorAndHarmsNothing) {
    auto sink = create();
    auto const fixed = sink->begin_map({.name = "m", .tasks = 2});
    sink->put_fixed(fixed, 0, 2, bytes(numbers(2, 7)));
    auto const map = sink->begin_map({.name = "r", .tasks = 1, .fixed = false});
    sink->put_ragged(map, 0, std::vector<std::uint64_t>{100'000}, bytes(numbers(100'000, 0)));
    sink->commit();
    {
        test::FileSizeLimit const limit(200'000);
        auto const message = test::message_of<EnvironmentError>([&] { sink->publish({}); });
        EXPECT_THAT(message, AllOf(HasSubstr("out.h5"), HasSubstr("disk full")));
    }
    EXPECT_FALSE(std::filesystem::exists(path_));
    EXPECT_THAT(load<double>(path_ + ".partial", "results/m"), ElementsAre(7, 8));
    sink = nullptr;
    sink = create();  // now there is room
    (void)sink->begin_map({.name = "m", .tasks = 2});
    EXPECT_THAT(done_of(*sink, sink->begin_map({.name = "r", .tasks = 1, .fixed = false})), ElementsAre(0));
    sink->publish({});
    EXPECT_EQ(shape_of(path_, "results/r/values"), (Shape{100'000}));
    EXPECT_LT(std::filesystem::file_size(path_), 900'000u) << "what was reserved is still there";
}

TEST_F(ResultFile, KeepsWhatIsPrintedAfterTheLastTask) {
    auto const sink = create();
    auto const map = sink->begin_map({.name = "m", .tasks = 2});
    sink->put_fixed(map, 0, 2, bytes(numbers(2, 7)));
    sink->put_printed({.map = map, .first = 2, .count = 1, .text = "late\n"});
    sink->put_printed({.map = map, .first = 1, .count = 1, .text = "in time\n"});
    sink->publish({});
    auto const printed = open_run(path_, Prefer::finished)->run().printed;
    ASSERT_EQ(printed.size(), 2u);
    EXPECT_EQ(printed[0].text + printed[1].text, "late\nin time\n");
    EXPECT_EQ(printed[0].map, -1);
    EXPECT_EQ(printed[1].map, map);
}

TEST_F(ResultFile, IsNotStoppedByAReaderThatLocksThePartialFile) {
    auto sink = create();
    int const reader = ::open((path_ + ".partial").c_str(), O_RDONLY | O_CLOEXEC);
    ASSERT_EQ(::flock(reader, LOCK_EX | LOCK_NB), 0);
    auto const map = sink->begin_map({.name = "m", .tasks = 2});
    sink->put_fixed(map, 0, 2, bytes(numbers(2, 7)));
    sink->publish({});
    ::close(reader);
    EXPECT_THAT(load<double>(path_, "results/m"), ElementsAre(7, 8));
}

TEST_F(ResultFile, ReportsErrorsOfHdf5WithoutNoise) {
    {
        auto const sink = create();
        std::filesystem::resize_file(path_ + ".partial", 100);
        testing::internal::CaptureStderr();
        auto const message = test::message_of<EnvironmentError>([&] { sink->publish({}); });
        EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
        EXPECT_THAT(message, HasSubstr("out.h5.partial"));
    }
    EXPECT_TRUE(folder_.is_empty());
    EXPECT_NO_THROW(create()->publish({})) << "HDF5 is unusable after an error";
}

}  // namespace
}  // namespace plenum::hdf5
