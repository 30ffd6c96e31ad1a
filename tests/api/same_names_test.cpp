// Tasks whose types have the same names in several files are different tasks.
#include "same_names.hpp"

#include "pool_test.hpp"

namespace plenum::api_test {
namespace {

TEST(SameNames, AreDifferentTasksInEachFile) {
    for (int round = 0; round < 2; ++round) {
        EXPECT_EQ(found_left(pool()), (Found{1007, 1008, 1007, "the left", 1007, 1007}));
        EXPECT_EQ(found_right(pool()), (Found{2007, 2008, 2007, "the right", 2007, 2007}));
        EXPECT_EQ(found_in_library(pool()), 3007u);
    }
}

}  // namespace
}  // namespace plenum::api_test
