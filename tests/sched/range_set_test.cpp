#include "sched/range_set.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace plenum::sched {
namespace {

TEST(RangeSet, JoinsNeighbours) {
    RangeSet set;
    set.add({10, 20});
    set.add({30, 40});
    set.add({20, 30});
    EXPECT_EQ(set.intervals().size(), 1u);
    EXPECT_EQ(set.count(), 30u);
    EXPECT_TRUE(set.contains({10, 40}));
    EXPECT_FALSE(set.contains({9, 40}));
    EXPECT_FALSE(set.contains({10, 41}));
}

TEST(RangeSet, RemovesAcrossIntervals) {
    RangeSet set({0, 100});
    set.remove({10, 20});
    set.remove({30, 40});
    set.remove({15, 95});
    EXPECT_EQ(set.count(), 15u);
    EXPECT_TRUE(set.contains({0, 10}));
    EXPECT_TRUE(set.contains({95, 100}));
    EXPECT_FALSE(set.contains({94, 95}));
}

TEST(RangeSet, TakesOneIntervalFromTheFront) {
    RangeSet set({5, 10});
    set.add({20, 30});
    EXPECT_EQ(set.take_front(3), (Range{5, 8}));
    EXPECT_EQ(set.take_front(0), (Range{}));
    EXPECT_EQ(set.take_front(100), (Range{8, 10}));
    EXPECT_EQ(set.take_front(100), (Range{20, 30}));
    EXPECT_TRUE(set.take_front(1).empty());
    EXPECT_TRUE(set.empty());
}

TEST(RangeSet, EmptyRangesChangeNothing) {
    RangeSet set;
    set.add({7, 7});
    set.remove({7, 7});
    EXPECT_TRUE(set.empty());
    EXPECT_TRUE(set.intervals().empty());
    EXPECT_TRUE(set.contains({7, 7}));
}

TEST(RangeSet, AgreesWithASetOfSingleNumbers) {
    constexpr std::uint64_t universe = 60;
    std::mt19937_64 random(1);
    RangeSet set;
    std::vector<bool> model(universe, false);
    for (int step = 0; step < 20'000; ++step) {
        auto const first = random() % universe;
        Range const range{first, first + random() % (universe - first + 1)};
        auto const mark = [&](Range r, bool value) {
            for (auto i = r.first; i < r.last; ++i) model[i] = value;
        };
        switch (random() % 3) {
            case 0:
                set.add(range);
                mark(range, true);
                break;
            case 1:
                set.remove(range);
                mark(range, false);
                break;
            default:
                mark(set.take_front(random() % 8), false);
        }
        std::uint64_t count = 0, intervals = 0;
        for (std::uint64_t i = 0; i < universe; ++i) {
            ASSERT_EQ(set.contains({i, i + 1}), model[i]) << "number " << i << " in step " << step;
            count += model[i];
            intervals += model[i] && (i == 0 || !model[i - 1]);
        }
        ASSERT_EQ(set.count(), count);
        ASSERT_EQ(set.intervals().size(), intervals);
    }
}

}  // namespace
}  // namespace plenum::sched
