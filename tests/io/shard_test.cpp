// Shards: together they are all tasks, each once.
#include "io/shard.hpp"

#include <gtest/gtest.h>

#include <plenum/error.hpp>

namespace plenum::io {
namespace {

TEST(Shard, SharesFollowEachOtherAndAreAllTasks) {
    for (std::uint64_t const tasks : {0ull, 1ull, 7ull, 40ull, 1'000'003ull, ~0ull})
        for (std::uint64_t const count : {1ull, 2ull, 3ull, 16ull, 999'999ull}) {
            std::uint64_t next = 0;
            for (std::uint64_t const index : {std::uint64_t{0}, std::uint64_t{1}, count / 2, count - 1}) {
                if (index >= count) continue;
                Shard const shard{.index = index, .count = count};
                if (index > 0) next = Shard{.index = index - 1, .count = count}.last(tasks);
                ASSERT_EQ(shard.first(tasks), next);
                ASSERT_GE(shard.size(tasks), tasks / count);
                ASSERT_LE(shard.size(tasks) - tasks / count, 1u);
            }
            ASSERT_EQ((Shard{.index = count - 1, .count = count}.last(tasks)), tasks);
        }
}

TEST(Shard, IsReadAndWrittenAsIOverN) {
    EXPECT_EQ(parse_shard("3/8", "--shard"), (Shard{.index = 3, .count = 8}));
    EXPECT_EQ(text_of(parse_shard("0/1", "--shard")), "0/1");
    for (auto const* const text :
         {"", "3", "/", "3/", "/8", "8/8", "-1/8", "1/0", "a/8", "1/8x", "0/1000001", "1 /8"})
        EXPECT_THROW((void)parse_shard(text, "--shard"), UsageError) << text;
}

TEST(Shard, IsAPartOfTheIdentity) {
    RunIdentity const whole{.job = "j", .options = {{"size", "3", true}}};
    auto part = whole;
    put_shard(part, {.index = 1, .count = 4});
    EXPECT_EQ(shard_of(part), (Shard{.index = 1, .count = 4}));
    EXPECT_EQ(shard_of(whole), Shard{});
    EXPECT_EQ(without_shard(part).options.size(), 1u);
    put_shard(part = whole, Shard{});
    EXPECT_EQ(part.options.size(), 1u);
}

}  // namespace
}  // namespace plenum::io
