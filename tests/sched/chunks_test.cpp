#include "sched/chunks.hpp"

#include <gmock/gmock.h>

#include <stdexcept>

namespace plenum::sched {
namespace {

using Sizes = std::vector<std::uint64_t>;
constexpr std::size_t roomy = 1 << 20;

Sizes sizes_of(ChunkPlan const& plan) {
    Sizes sizes;
    for (std::size_t k = 0; k + 1 < plan.bounds.size(); ++k)
        sizes.push_back(plan.bounds[k + 1] - plan.bounds[k]);
    return sizes;
}

Sizes sizes_of(Technique technique, std::uint64_t tasks, int executors, std::uint64_t min_chunk = 0) {
    return sizes_of(plan_chunks(technique, tasks, executors, min_chunk, roomy));
}

TEST(Technique, TableParsesAndPrintsEveryName) {
    EXPECT_EQ(techniques().size(), 7u);
    for (auto const& info : techniques()) {
        EXPECT_EQ(technique_named(info.name), info.technique);
        EXPECT_EQ(name_of(info.technique), info.name);
        EXPECT_FALSE(info.summary.empty());
    }
    EXPECT_EQ(techniques().front().technique, Technique::automatic);
    EXPECT_EQ(name_of(Technique::static_), "static");
    EXPECT_EQ(technique_named("static_"), std::nullopt);
    EXPECT_EQ(technique_named(""), std::nullopt);
    EXPECT_EQ(technique_named("GSS"), std::nullopt);
}

// The worked example of the literature: 1000 iterations on 4 processors.
TEST(Chunks, GuidedFollowsTheLiterature) {
    EXPECT_EQ(sizes_of(Technique::gss, 1000, 4),
              (Sizes{250, 188, 141, 106, 79, 59, 45, 33, 25, 19, 14, 11, 8, 6, 4, 3, 3, 2, 1, 1, 1, 1}));
}

TEST(Chunks, FactoringFollowsTheLiterature) {
    EXPECT_EQ(sizes_of(Technique::fac2, 1000, 4),
              (Sizes{125, 125, 125, 125, 63, 63, 63, 63, 31, 31, 31, 31, 16, 16, 16, 16,
                     8,   8,   8,   8,   4,  4,  4,  4,  2,  2,  2,  2,  1,  1,  1,  1}));
}

// first 125, last 1, ceil(2 * 1000 / 126) = 16 chunks, decrement 124 / 15; the line overshoots by 8, so the
// 16th chunk (1 task) takes what the 15 before it leave.
TEST(Chunks, TrapezoidFallsLinearly) {
    EXPECT_EQ(sizes_of(Technique::tss, 1000, 4),
              (Sizes{125, 117, 108, 100, 92, 84, 75, 67, 59, 51, 42, 34, 26, 18, 2}));
    // Exact case: first 8, last 1; 8 + 7 + ... would need 64 / 9 = 8 chunks of decrement 1, that is 36 >= 32
    // tasks.
    EXPECT_EQ(sizes_of(Technique::tss, 32, 2), (Sizes{8, 7, 6, 5, 4, 2}));
}

TEST(Chunks, TrapezoidStillTapersWhenTheDecrementIsBelowOne) {
    auto const sizes = sizes_of(Technique::tss, 1000, 16);
    EXPECT_EQ(sizes.front(), 32u);
    EXPECT_LE(sizes.back(), 2u);
}

TEST(Chunks, UniformTechniques) {
    auto const uniform = [](Technique technique, std::uint64_t tasks, int executors,
                            std::uint64_t min_chunk) {
        auto const plan = plan_chunks(technique, tasks, executors, min_chunk, roomy);
        EXPECT_TRUE(plan.bounds.empty());
        return plan.uniform;
    };
    EXPECT_EQ(uniform(Technique::static_, 1000, 4, 0), 250u);
    EXPECT_EQ(uniform(Technique::static_, 1001, 4, 0), 251u);
    EXPECT_EQ(uniform(Technique::static_, 3, 8, 0), 1u);
    EXPECT_EQ(uniform(Technique::static_, 0, 8, 0), 1u);
    EXPECT_EQ(uniform(Technique::static_, 100, 10, 32), 32u);
    EXPECT_EQ(uniform(Technique::ss, 1000, 4, 0), 1u);
    EXPECT_EQ(uniform(Technique::ss, 1000, 4, 7), 7u);
    EXPECT_EQ(uniform(Technique::automatic, 1000, 4, 7), 7u);
    EXPECT_EQ(uniform(Technique::automatic, 1000, 4, 0), 0u);
}

class Tapered : public testing::TestWithParam<Technique> {};
INSTANTIATE_TEST_SUITE_P(, Tapered, testing::Values(Technique::gss, Technique::tss, Technique::fac2),
                         [](auto const& instance) { return std::string(name_of(instance.param)); });

TEST_P(Tapered, CoversEveryTaskOnceAndNeverGrows) {
    for (std::uint64_t const tasks : {1ull, 2ull, 7ull, 100ull, 1000ull, 16'777'216ull})
        for (int const executors : {1, 2, 3, 8, 128, 1000})
            for (std::uint64_t const min_chunk : {0ull, 1ull, 5ull}) {
                SCOPED_TRACE(testing::Message()
                             << tasks << " tasks, " << executors << " executors, at least " << min_chunk);
                auto const plan = plan_chunks(GetParam(), tasks, executors, min_chunk, roomy);
                ASSERT_EQ(plan.uniform, 0u);
                ASSERT_EQ(plan.bounds.front(), 0u);
                ASSERT_EQ(plan.bounds.back(), tasks);
                auto const sizes = sizes_of(plan);
                for (std::size_t k = 0; k < sizes.size(); ++k) {
                    ASSERT_GE(sizes[k], k + 1 == sizes.size() ? 1 : std::max<std::uint64_t>(1, min_chunk));
                    // Rounding up may let a later factoring round be equal, never larger.
                    if (k > 0) {
                        ASSERT_LE(sizes[k], sizes[k - 1]);
                    }
                }
            }
}

TEST_P(Tapered, SmallCases) {
    EXPECT_EQ(plan_chunks(GetParam(), 0, 4, 0, 8).bounds, (Sizes{0}));
    EXPECT_EQ(sizes_of(GetParam(), 1, 4), (Sizes{1}));
    EXPECT_EQ(sizes_of(GetParam(), 3, 8), (Sizes{1, 1, 1}));
}

TEST_P(Tapered, TableNeverExceedsItsCapacity) {
    for (std::uint64_t const tasks : {1ull, 1000ull, 100'000'000'000ull})
        for (std::size_t const capacity : {1u, 2u, 10u, 64u, 1000u})
            for (int const executors : {1, 4, 128}) {
                auto const plan = plan_chunks(GetParam(), tasks, executors, 0, capacity);
                EXPECT_LE(plan.bounds.size(), capacity + 1);
                EXPECT_EQ(plan.bounds.back(), tasks);
            }
}

TEST(Chunks, ImpossibleRequestsAreDefects) {
    EXPECT_THROW((void)plan_chunks(Technique::gss, 10, 0, 0, 8), std::logic_error);
    EXPECT_THROW((void)plan_chunks(Technique::gss, 10, 1, 0, 0), std::logic_error);
}

TEST(Technique, ListsItsNamesAsASentenceDoes) {
    EXPECT_EQ(names_of_techniques(), "auto, static, ss, gss, tss, fac2 or awf");
}

TEST(AwfWeight, IsTheSpeedRelativeToTheMeanOfTheMeasured) {
    EXPECT_DOUBLE_EQ(awf_weight(3, 4, 2), 1.5);
    EXPECT_DOUBLE_EQ(awf_weight(1, 4, 2), 0.5);
    EXPECT_DOUBLE_EQ(awf_weight(5, 5, 1), 1);
    EXPECT_DOUBLE_EQ(awf_weight(0, 5, 1), 1);  // not measured yet
    EXPECT_DOUBLE_EQ(awf_weight(0, 0, 0), 1);
}

TEST(AwfChunk, IsAWeightedShareOfHalfOfWhatRemains) {
    EXPECT_EQ(awf_chunk(1000, 4, 1, 1), 125u);
    EXPECT_EQ(awf_chunk(1000, 4, 2, 1), 250u);
    EXPECT_EQ(awf_chunk(1000, 4, 0.5, 1), 63u);
    EXPECT_EQ(awf_chunk(1000, 4, 4, 1), 500u);    // one that does all the work
    EXPECT_EQ(awf_chunk(1000, 4, 0.001, 1), 1u);  // never none
    EXPECT_EQ(awf_chunk(1000, 4, 0.001, 30), 30u);
    EXPECT_EQ(awf_chunk(3, 8, 1, 1), 1u);
    EXPECT_EQ(awf_chunk(0, 8, 1, 1), 1u);  // a claim behind the end
    EXPECT_EQ(awf_chunk(100'000'000'000, 2, 1, 1), 25'000'000'000u);
}

TEST(Chunks, AwfLeavesTheSizeToEachClaim) {
    auto const plan = plan_chunks(Technique::awf, 1000, 4, 0, roomy);
    EXPECT_TRUE(plan.bounds.empty());
    EXPECT_EQ(plan.uniform, 0u);
    EXPECT_EQ(plan.weighted_least, 1u);
    EXPECT_EQ(plan_chunks(Technique::awf, 1000, 4, 25, roomy).weighted_least, 25u);
}

TEST(AutoChunk, AimsAtTheTargetTime) {
    EXPECT_EQ(auto_chunk(0, 1'000'000, 4), 1u);                    // unknown
    EXPECT_EQ(auto_chunk(1'000, 1'000'000, 4), 100u);              // 0.1 ms of 1 us tasks
    EXPECT_EQ(auto_chunk(1'000'000, 1'000'000, 4), 1u);            // longer than the target
    EXPECT_EQ(auto_chunk(1'000, 400, 4), 50u);                     // half of an even share
    EXPECT_EQ(auto_chunk(1'000, 3, 4), 1u);                        // the end
    EXPECT_EQ(auto_chunk(1'000, 1'000'000, 4, 2'000'000), 2000u);  // another target
}

}  // namespace
}  // namespace plenum::sched
