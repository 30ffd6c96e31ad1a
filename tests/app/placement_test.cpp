// What is said about ranks that have too few cores for their tasks.
#include "app/app_test_tools.hpp"
#include "app/startup.hpp"

namespace plenum::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Ranks on one node of four cores, each with the cores and threads given.
[[nodiscard]] std::vector<std::string> warnings(std::vector<RankPlace> places, int executors) {
    comm::Topology topology;
    topology.ranks = static_cast<int>(places.size());
    topology.nodes = 1;
    for (auto& place : places) {
        topology.node_of.push_back(0);
        topology.hosts.push_back("n1");
        place.node_cores = 4;
    }
    return placement_warnings(topology, places, executors);
}

RankPlace const all{.cores = "0-3", .count = 4};

TEST(PlacementWarnings, AreNotGivenWhereCoresSuffice) {
    EXPECT_THAT(warnings({all, all, all, all}, 1), IsEmpty());
    EXPECT_THAT(warnings({all, all}, 2), IsEmpty());
    EXPECT_THAT(warnings({{.cores = "0", .count = 1}, {.cores = "1", .count = 1}}, 1), IsEmpty());
}

TEST(PlacementWarnings, SayForWhichTasksManyExecutorsAreGood) {
    EXPECT_THAT(
        warnings({all, all}, 6),
        ElementsAre(AllOf(HasSubstr("2 ranks with 6 executors each on n1 run 12 threads at once on 4 cores"),
                          HasSubstr("good for tasks that wait, slow for tasks that compute"),
                          HasSubstr("--executors"))));
}

TEST(PlacementWarnings, CountTheThreadsOfTasks) {
    auto two = all;
    two.threads = 2;
    EXPECT_THAT(warnings({two, two}, 1), IsEmpty());
    EXPECT_THAT(warnings({two, two, two}, 1),
                ElementsAre(AllOf(HasSubstr("6 threads"), HasSubstr("--threads-per-task"))));
    EXPECT_THAT(warnings({two, two}, 2), ElementsAre(HasSubstr("8 threads")));
}

TEST(PlacementWarnings, NameBindingsThatLeaveCoresIdle) {
    RankPlace const bound{.cores = "0", .count = 1};
    EXPECT_THAT(warnings({bound, bound}, 1), ElementsAre(HasSubstr("bound to the same cores (0) on n1")));
    EXPECT_THAT(warnings({bound}, 3),
                ElementsAre(AllOf(HasSubstr("bound to 1 core of the 4 cores on n1"), HasSubstr("3 threads"),
                                  HasSubstr("--bind-to none"))));
}

}  // namespace
}  // namespace plenum::app
