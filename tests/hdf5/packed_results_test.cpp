// Results that come compressed: they wait in the journal, and every way of ending the run makes the same file.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <plenum/error.hpp>

#include "base/crc32c.hpp"
#include "hdf5/open_run.hpp"
#include "hdf5/resume_tools.hpp"
#include "io/packed_result.hpp"
#include "io/run_reader.hpp"

namespace plenum::hdf5 {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint64_t elements = 150'000;  // a result has two chunks, of which the second is not full

class PackedResults : public Resume {
protected:
    static std::vector<double> result(std::uint64_t task) {
        return numbers(elements, 1000.0 * static_cast<double>(task));
    }
    std::unique_ptr<io::ResultSink> create_with(int gzip) {
        auto with = options();
        with.gzip = gzip;
        with.pack_threads = 2;
        return create_result_file(with);
    }
    io::MapSpec spec(bool packed) const {
        auto with = io::MapSpec{.name = "m", .tasks = 7, .shape = {elements}};
        with.packed = packed;
        return with;
    }
    void put(io::ResultSink& sink, io::MapId map, std::uint64_t first, std::uint64_t count, int level) const {
        io::ResultPacker packer;
        std::vector<std::uint64_t> lengths;
        std::vector<std::byte> all;
        for (auto task = first; task < first + count; ++task) {
            auto const packed = packer.pack(*io::packing_of(spec(true), level), bytes(result(task)));
            lengths.push_back(packed.size());
            all.insert(all.end(), packed.begin(), packed.end());
        }
        sink.put_packed(map, first, lengths, all);
    }
    static void put_unpacked(io::ResultSink& sink, io::MapId map, std::uint64_t task) {
        sink.put_fixed(map, task, 1, bytes(result(task)));
    }
    /// What the first process does: tasks 4, 5 and 1 are committed, 0 is not; 2 has failed.
    void be_killed() {
        die_after([&] {
            auto* const sink = create_with(6).release();
            auto const map = sink->begin_map(spec(true));
            put(*sink, map, 4, 2, 6);
            put(*sink, map, 1, 1, 6);
            sink->put_failure(map, {.task = 2, .rank = 9, .message = "pivot"});
            sink->commit();
            put(*sink, map, 0, 1, 6);
        });
    }
    void check_finished(bool compressed) {
        std::vector<double> wanted;
        for (std::uint64_t task = 0; task < 7; ++task) {
            auto const one = result(task);
            wanted.insert(wanted.end(), one.begin(), one.end());
        }
        auto got = load<double>(path_, "results/m");
        for (auto i = 2 * elements; i < 3 * elements; ++i) {
            ASSERT_TRUE(std::isnan(got[i])) << "the failed task has a result";
            got[i] = wanted[i];
        }
        EXPECT_TRUE(got == wanted);
        EXPECT_THAT(load<int>(path_, "tasks/m/status"), ElementsAre(0, 0, 1, 0, 0, 0, 0));
        auto const found = read_finished(path_)->check();
        EXPECT_THAT(found.damage, IsEmpty());
        EXPECT_EQ(std::filesystem::file_size(path_) < elements * sizeof(double), compressed);
        for (auto const* const name : {".partial", ".journal", ".lock", ".packed"})
            EXPECT_FALSE(std::filesystem::exists(path_ + name)) << name;
    }
};

TEST_F(PackedResults, GoOnPacked) {
    be_killed();
    auto const sink = create_with(1);
    auto const map = sink->begin_map(spec(true));
    EXPECT_THAT(done_of(*sink, map), ElementsAre(1, 4, 5));
    put(*sink, map, 0, 1, 1);
    put_unpacked(*sink, map, 3);
    put(*sink, map, 6, 1, 1);
    std::vector<double> back(3 * elements);
    sink->read_fixed(map, 3, 3, std::as_writable_bytes(std::span(back)));
    for (std::uint64_t i = 0; i < 3; ++i)
        EXPECT_TRUE(std::ranges::equal(std::span(back).subspan(i * elements, elements), result(3 + i))) << 3 + i;
    sink->end_map(map);
    sink->publish({});
    check_finished(true);
}

TEST_F(PackedResults, GoOnAsTheyAre) {
    be_killed();
    auto const sink = create_with(0);
    auto const map = sink->begin_map(spec(false));
    EXPECT_THAT(done_of(*sink, map), ElementsAre(1, 4, 5));
    for (auto const task : {0, 3, 6}) put_unpacked(*sink, map, static_cast<std::uint64_t>(task));
    sink->publish({});
    check_finished(false);
}

TEST_F(PackedResults, BeginAsTheyAreAndGoOnPacked) {
    die_after([&] {
        auto* const sink = create_with(0).release();
        auto const map = sink->begin_map(spec(false));
        for (auto const task : {1, 5}) put_unpacked(*sink, map, static_cast<std::uint64_t>(task));
        sink->put_failure(map, {.task = 2, .rank = 9, .message = "pivot"});
        sink->commit();
    });
    auto const sink = create_with(1);
    auto const map = sink->begin_map(spec(true));
    EXPECT_THAT(done_of(*sink, map), ElementsAre(1, 5));
    put(*sink, map, 0, 1, 1);
    put(*sink, map, 3, 2, 1);
    put(*sink, map, 6, 1, 1);
    sink->publish({});
    check_finished(true);
}

TEST_F(PackedResults, AreReadFromTheUnfinishedRun) {
    be_killed();
    struct stat partial {};
    ASSERT_EQ(::stat((path_ + ".partial").c_str(), &partial), 0);
    EXPECT_LT(static_cast<std::uint64_t>(partial.st_blocks) * 512, 3 * elements * sizeof(double))
        << "room for all results as they are, though they come packed";
    auto const reader = io::read_unfinished(path_);
    auto const found = reader->check();
    EXPECT_THAT(found.damage, IsEmpty());
    EXPECT_GE(found.checksums, 3u);
    for (auto const task : {1, 4, 5}) {
        auto const values = reader->fixed(0, static_cast<std::uint64_t>(task), 1);
        EXPECT_TRUE(std::ranges::equal(values, bytes(result(static_cast<std::uint64_t>(task))))) << task;
    }
}

TEST_F(PackedResults, WithoutTheirChecksumAreDamage) {
    die_after([&] {
        auto* const sink = create_with(6).release();
        auto const map = sink->begin_map(spec(true));
        io::ResultPacker packer;
        auto const packing = *io::packing_of(spec(true), 6);
        auto const packed = packer.pack(packing, bytes(result(3)));
        std::vector<std::byte> wrong(packed.begin(), packed.end());
        wrong[0] ^= std::byte{1};  // of the checksum: as if the executor's memory had failed
        sink->put_packed(map, 3, std::vector<std::uint64_t>{wrong.size()}, wrong);
        sink->commit();
    });
    auto const reader = io::read_unfinished(path_);
    auto const found = reader->check();
    ASSERT_EQ(found.damage.size(), 1u);
    EXPECT_EQ(found.damage.front().first, 3u);
    EXPECT_THROW((void)reader->fixed(0, 3, 1), EnvironmentError);
    EXPECT_NO_THROW((void)reader->fixed(0, 0, 3));
}

TEST_F(PackedResults, OfMapsThatShareChunksAreRefused) {
    auto const sink = create_with(1);
    auto const small = sink->begin_map(fixed_);
    auto const ragged = sink->begin_map(ragged_);
    auto with_room = spec(true);
    with_room.name = "large";
    auto const large = sink->begin_map(with_room);
    std::vector<std::uint64_t> const one{3};
    std::vector<std::byte> const three(3);
    auto const refused = [&](io::MapId map, std::span<std::byte const> packed) {
        return test::message_of<UsageError>([&] { sink->put_packed(map, 0, one, packed); });
    };
    EXPECT_THAT(refused(small, three), HasSubstr("share chunks"));
    EXPECT_THAT(refused(ragged, three), HasSubstr("ragged"));
    EXPECT_THAT(refused(large, std::span(three).first(2)), HasSubstr("2 bytes"));
    put(*sink, large, 0, 1, 1);
    EXPECT_THROW(put(*sink, large, 0, 1, 1), UsageError) << "a second result of a task";
}

}  // namespace
}  // namespace plenum::hdf5
