// Which threads count as tasks.
#include "base/task_place.hpp"

#include <gtest/gtest.h>

#include <plenum/detail/refusals.hpp>
#include <plenum/error.hpp>
#include <thread>

namespace plenum::base {
namespace {

TEST(TaskPlace, IsTheThreadThatWasMarked) {
    EXPECT_FALSE(inside_task());
    std::thread([] {
        mark_task_thread();
        EXPECT_TRUE(inside_task());
        EXPECT_THROW(detail::refuse_inside_task("a map"), UsageError);
        std::thread([] { EXPECT_FALSE(inside_task()); }).join();
    }).join();
    EXPECT_FALSE(inside_task());
    EXPECT_NO_THROW(detail::refuse_inside_task("a map"));
}

TEST(TaskPlace, IsEveryThreadOfAMarkedProcess) {
    EXPECT_EXIT(
        {
            mark_task_process();
            bool inside = false;
            std::thread([&inside] { inside = inside_task(); }).join();
            std::exit(inside && inside_task() ? 7 : 1);
        },
        testing::ExitedWithCode(7), "");
    EXPECT_FALSE(inside_task());
}

}  // namespace
}  // namespace plenum::base
