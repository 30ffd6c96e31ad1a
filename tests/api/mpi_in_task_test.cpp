// MPI calls inside tasks are refused with their name, also those of libraries; outside they work as ever.
#include <mpi.h>

#include <cstdint>

#include "api/pool_test.hpp"

extern "C" int sum_over_ranks(int value);  // in a shared library

namespace plenum::api_test {
namespace {

template <class F>
void expect_refused(F const& f, std::string_view name) {
    auto const results = pool().map(f, indices(6), {.on_failure = OnFailure::collect});
    ASSERT_EQ(results.failures().size(), 3u) << name;
    for (auto const& failure : results.failures()) {
        EXPECT_EQ(failure.task % 2, 1u);
        EXPECT_EQ(failure.cause, FailureCause::exception);
        EXPECT_TRUE(contains(failure.message, "MPI call inside a task"));
        EXPECT_TRUE(contains(failure.message, name));
    }
    EXPECT_EQ(results[4], 4);
}

TEST(MpiInsideATask, IsRefusedWithTheNameOfTheCall) {
    expect_refused(
        [](std::uint64_t i) {
            int rank = static_cast<int>(i);
            if (i % 2 == 1) MPI_Comm_rank(MPI_COMM_WORLD, &rank);
            return rank;
        },
        "MPI_Comm_rank");
    expect_refused(
        [](std::uint64_t i) {
            int const value = static_cast<int>(i);
            if (i % 2 == 1) MPI_Send(&value, 1, MPI_INT, 0, 7, MPI_COMM_WORLD);
            return value;
        },
        "MPI_Send");
    expect_refused(
        [](std::uint64_t i) {
            if (i % 2 == 1) MPI_Barrier(MPI_COMM_WORLD);
            return static_cast<int>(i);
        },
        "MPI_Barrier");
}

TEST(MpiInsideATask, IsRefusedInSharedLibrariesToo) {
    expect_refused([](std::uint64_t i) { return i % 2 == 1 ? sum_over_ranks(1) : static_cast<int>(i); },
                   "MPI_Allreduce");
}

}  // namespace
}  // namespace plenum::api_test
