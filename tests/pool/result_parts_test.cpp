#include "pool/result_parts.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace plenum::pool {
namespace {

std::vector<std::uint64_t> tasks_of(std::vector<wire::BlockResults> const& parts) {
    std::vector<std::uint64_t> tasks;
    for (auto const& part : parts)
        for (auto const& run : part.runs)
            for (auto task = run.first; task < run.last; ++task) tasks.push_back(task);
    return tasks;
}

wire::Failure failure_of(std::uint64_t task) {
    wire::Failure failure;
    failure.task = task;
    return failure;
}

TEST(ResultParts, WithoutNothingItIsAsItWas) {
    wire::BlockResults results;
    results.runs = {{3, 7}};
    results.timing = {{.first = 3, .count = 4}};
    auto const parts = without(std::move(results), {});
    ASSERT_EQ(parts.size(), 1u);
    EXPECT_EQ(tasks_of(parts), (std::vector<std::uint64_t>{3, 4, 5, 6}));
    EXPECT_EQ(parts[0].timing.size(), 1u);
}

TEST(ResultParts, OfFixedSizeTheirBytesStayWithTheirTasks) {
    for (auto const& left_out : std::vector<std::vector<std::uint64_t>>{
             {10}, {12}, {19}, {10, 11}, {18, 19}, {10, 13, 14, 19}, {11, 13, 15, 17}}) {
        wire::BlockResults results;
        results.batch = 4;
        results.block = 5;
        results.node = 1;
        results.runs = {{10, 20}};
        Bytes bytes;
        for (int i = 0; i < 10; ++i) bytes.insert(bytes.end(), 3, static_cast<std::byte>(10 + i));
        results.payload = wire::Payload::of(std::move(bytes));
        results.failures = {failure_of(16)};
        results.timing = {{.first = 10, .count = 10}};
        auto const parts = without(std::move(results), left_out);
        std::size_t failures = 0, rows = 0;
        for (auto const& part : parts) {
            ASSERT_EQ(part.runs.size(), 1u);
            auto const run = part.runs[0];
            EXPECT_EQ(part.batch, 4u);
            EXPECT_EQ(part.block, 5u);
            EXPECT_EQ(part.node, 1);
            ASSERT_EQ(part.payload.bytes.size(), 3 * run.count());
            for (std::uint64_t i = 0; i < part.payload.bytes.size(); ++i)
                EXPECT_EQ(part.payload.bytes[i], static_cast<std::byte>(run.first + i / 3));
            for (auto const& failure : part.failures)
                EXPECT_TRUE(failure.task >= run.first && failure.task < run.last);
            failures += part.failures.size();
            rows += part.timing.size();
        }
        std::vector<std::uint64_t> expected;
        for (std::uint64_t task = 10; task < 20; ++task)
            if (std::ranges::find(left_out, task) == left_out.end()) expected.push_back(task);
        EXPECT_EQ(tasks_of(parts), expected);
        EXPECT_EQ(failures, 1u);
        EXPECT_EQ(rows, 1u);
    }
}

TEST(ResultParts, WhenAllTasksGoTheTimesStay) {
    wire::BlockResults results;
    results.runs = {{0, 2}};
    results.timing = {{.first = 0, .count = 2}};
    auto const parts = without(std::move(results), std::vector<std::uint64_t>{0, 1});
    ASSERT_EQ(parts.size(), 1u);
    EXPECT_TRUE(parts[0].runs.empty());
    EXPECT_EQ(parts[0].timing.size(), 1u);
}

TEST(ResultParts, OfVaryingLengthTheLengthsStayWithTheirTasks) {
    wire::BlockResults results;
    results.runs = {{0, 4}, {10, 12}, {20, 21}};
    results.lengths = {5, 0, 7, 0, 0, 2, 0};
    results.payload = wire::Payload::of(Bytes(14));
    auto const parts = without(std::move(results), std::vector<std::uint64_t>{1, 3, 10, 20});
    ASSERT_EQ(parts.size(), 1u);
    EXPECT_EQ(tasks_of(parts), (std::vector<std::uint64_t>{0, 2, 11}));
    EXPECT_EQ(parts[0].lengths, (std::vector<std::uint64_t>{5, 7, 2}));
    EXPECT_EQ(parts[0].payload.bytes.size(), 14u);
}

}  // namespace
}  // namespace plenum::pool
