// Spools, positional input and output, and sets of task numbers.
#include "io/spool.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <numeric>
#include <plenum/error.hpp>

#include "io/index_ranges.hpp"
#include "io/positional.hpp"
#include "io/ragged_spool.hpp"
#include "io/temporary_folder.hpp"

namespace plenum::io {
namespace {

using test::TemporaryFolder;

std::vector<std::uint32_t> numbers(std::size_t count, std::uint32_t first) {
    std::vector<std::uint32_t> values(count);
    std::iota(values.begin(), values.end(), first);
    return values;
}

TEST(Spool, GivesBackWhatWasAppendedFromMemoryAndFile) {
    TemporaryFolder const folder;
    Spool spool(folder.file(""));
    // Together beyond the buffer, one alone beyond it, and a rest that stays in memory.
    std::vector<std::vector<std::uint32_t>> pieces{numbers(10, 0), numbers(200'000, 7), numbers(100'000, 1),
                                                   numbers(1'000'000, 3), numbers(5, 9)};
    std::vector<std::uint64_t> positions;
    for (auto const& piece : pieces) positions.push_back(spool.append(std::as_bytes(std::span(piece))));
    EXPECT_EQ(spool.size(), 4u * 1'300'015u);
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        std::vector<std::uint32_t> back(pieces[i].size());
        spool.read(positions[i], std::as_writable_bytes(std::span(back)));
        EXPECT_EQ(back, pieces[i]) << "piece " << i;
    }
    std::vector<std::uint32_t> all(1'300'015);
    spool.read(0, std::as_writable_bytes(std::span(all)));
    EXPECT_EQ(all[10], 7u);
    EXPECT_EQ(all.back(), 13u);
    EXPECT_TRUE(folder.is_empty()) << "the temporary file has a name";
}

TEST(Spool, NamesTheFolderWhenTheDiskIsFull) {
    TemporaryFolder const folder;
    Spool spool(folder.file(""));
    auto const data = numbers(1'000'000, 0);
    test::FileSizeLimit const limit(1 << 20);
    auto const message =
        test::message_of<EnvironmentError>([&] { spool.append(std::as_bytes(std::span(data))); });
    EXPECT_NE(message.find(folder.file("")), std::string::npos) << message;
    EXPECT_NE(message.find("disk full"), std::string::npos) << message;
}

TEST(Positional, ReportsFullDevicesAndEnds) {
    base::UniqueFd const full(::open("/dev/full", O_WRONLY));
    ASSERT_TRUE(full);
    auto const data = numbers(10, 0);
    EXPECT_EQ(write_fully(full.get(), 0, std::as_bytes(std::span(data))), ENOSPC);
    EXPECT_NE(std::string(write_error("a.h5", ENOSPC, 1 << 20, 3 << 20).what())
                  .find("a.h5: disk full (1.0 MiB of 3.0 MiB written)"),
              std::string::npos);
    base::UniqueFd const empty(::open("/dev/null", O_RDONLY));
    std::byte byte{};
    EXPECT_EQ(read_fully(empty.get(), 0, std::span(&byte, 1)), EIO);
}

TEST(RaggedSpool, SortsPiecesByTask) {
    TemporaryFolder const folder;
    RaggedSpool spool(folder.file(""));
    auto const late = numbers(3, 100);
    auto const early = numbers(2, 0);
    spool.put(5, std::vector<std::uint64_t>{1, 0, 2}, std::as_bytes(std::span(late)));
    spool.put(0, std::vector<std::uint64_t>{2}, std::as_bytes(std::span(early)));
    auto const& pieces = spool.in_task_order();
    ASSERT_EQ(pieces.size(), 2u);
    EXPECT_EQ(pieces[0].first, 0u);
    EXPECT_EQ(pieces[1].first, 5u);
    EXPECT_EQ(spool.lengths(pieces[1]), (std::vector<std::uint64_t>{1, 0, 2}));
    std::uint32_t last = 0;
    spool.values(pieces[1], 8, std::as_writable_bytes(std::span(&last, 1)));
    EXPECT_EQ(last, 102u);
    EXPECT_EQ(spool.values_bytes(), 20u);
}

std::vector<std::pair<std::uint64_t, std::uint64_t>> gaps(IndexRanges const& ranges, std::uint64_t begin,
                                                          std::uint64_t end) {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> found;
    ranges.for_each_gap(begin, end, [&](auto first, auto last) { found.emplace_back(first, last); });
    return found;
}

TEST(IndexRanges, AgreesWithASetOfNumbers) {
    IndexRanges ranges;
    std::vector<bool> set(200);
    std::uint64_t state = 12345;
    auto const next = [&](std::uint64_t below) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        return (state >> 33) % below;
    };
    for (int round = 0; round < 60; ++round) {
        auto const first = next(190);
        auto const count = next(10);
        bool any = false;
        for (auto i = first; i < first + count; ++i) any = any || set[i];
        EXPECT_EQ(ranges.intersects(first, count), any) << first << " + " << count;
        if (round % 2 == 0) {
            ranges.add(first, count);
            for (auto i = first; i < first + count; ++i) set[i] = true;
        }
        auto const begin = next(100);
        auto const end = begin + next(100);
        std::vector<bool> in_gap(200);
        for (auto const& [from, to] : gaps(ranges, begin, end)) {
            EXPECT_LT(from, to);
            for (auto i = from; i < to; ++i) in_gap[i] = true;
        }
        for (std::size_t i = 0; i < 200; ++i) EXPECT_EQ(in_gap[i], i >= begin && i < end && !set[i]);
    }
}

TEST(IndexRanges, JoinsNeighbours) {
    IndexRanges ranges;
    ranges.add(0, 10);
    ranges.add(20, 10);
    using Gaps = std::vector<std::pair<std::uint64_t, std::uint64_t>>;
    EXPECT_EQ(gaps(ranges, 0, 40), (Gaps{{10, 20}, {30, 40}}));
    ranges.add(10, 10);
    EXPECT_EQ(gaps(ranges, 0, 30), Gaps{});
}

}  // namespace
}  // namespace plenum::io
