// The coordinator among pretended nodes: exactly-once under deaths and cancels, balance, a million executors.
#include "sched/simulation.hpp"

#include <cmath>
#include <string>

namespace plenum::sched {
namespace {

/// Uniform in [0, 1), a pure function of its arguments (splitmix64).
double hashed(std::uint64_t batch, std::uint64_t task) {
    auto x = batch * 0x9e3779b97f4a7c15 + task + 1;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return static_cast<double>((x ^ (x >> 31)) >> 11) * 0x1p-53;
}

double ideal_seconds(Scenario const& scenario, std::uint64_t tasks) {
    double work = 0, speed = 0;
    for (std::uint64_t task = 0; task < tasks; ++task) work += scenario.task_seconds(0, task);
    for (auto const& node : scenario.nodes)
        for (int executor = 0; executor < node.executors; ++executor) speed += node.speed_of(executor);
    return work / speed;
}

class EveryTechnique : public testing::TestWithParam<Technique> {};
INSTANTIATE_TEST_SUITE_P(, EveryTechnique,
                         testing::Values(Technique::automatic, Technique::static_, Technique::ss,
                                         Technique::gss, Technique::tss, Technique::fac2, Technique::awf),
                         [](auto const& instance) { return std::string(name_of(instance.param)); });

TEST_P(EveryTechnique, TasksFinishExactlyOnceWhateverDies) {
    Outcome total;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        Scenario scenario{
            .technique = GetParam(),
            .min_chunk = seed % 4 == 0 ? 3u : 0u,
            .max_chunks = seed % 3 == 0 ? 16u : 4096u,
            .limits = {.max_block_tasks = 900, .first_block_per_executor = 20, .block_seconds = 0.05},
            .task_seconds = [](BatchId batch,
                               std::uint64_t task) { return 2e-3 * std::pow(hashed(batch, task), 3); },
            .executor_death = 0.02,
            .node_death = 0.002,
            // In some runs a node is back before its last messages have arrived.
            .node_return_seconds = seed % 5 == 0 ? 50e-6 : 0.1,
            .memory_tasks = seed % 2 == 0 ? 250u : 0u,
            .seed = seed};
        for (int node = 0; node < 12; ++node)
            scenario.nodes.push_back({.executors = 1 + (node * 7) % 16, .speed = 0.5 + 0.25 * (node % 5)});
        Simulation simulation(scenario);
        for (int i = 0; i < 12; ++i) {
            simulation.at(0.3 * simulation.chance(), [&simulation, i] {
                auto const tasks = i == 0 ? 0 : static_cast<std::uint64_t>(5000 * simulation.chance());
                auto const batch = simulation.add_batch({.tasks = tasks, .priority = i % 3});
                if (i % 4 == 3)
                    simulation.at(0.3 + 0.3 * simulation.chance(),
                                  [&simulation, batch] { simulation.cancel(batch); });
            });
        }
        for (int i = 0; i < 3; ++i) {
            auto const start = 0.1 * i + 0.1 * simulation.chance();
            simulation.at(start, [&simulation] { simulation.coordinator().hold(true); });
            simulation.at(start + 0.02, [&simulation] { simulation.coordinator().hold(false); });
        }
        auto const outcome = simulation.run();
        if (HasFailure()) return;
        total.node_deaths += outcome.node_deaths;
        total.executor_deaths += outcome.executor_deaths;
    }
    EXPECT_GT(total.node_deaths, 20u);  // the scenario does what it is for
    EXPECT_GT(total.executor_deaths, 200u);
}

TEST_P(EveryTechnique, UniformTasksOnUnequalNodesAreBalanced) {
    Scenario scenario{.technique = GetParam(),
                      .limits = {.first_block_per_executor = 16},
                      .task_seconds = [](BatchId, std::uint64_t) { return 10e-3; }};
    for (int node = 0; node < 16; ++node)
        scenario.nodes.push_back({.executors = 8 << (node % 3), .speed = 1.0 + node % 4});
    constexpr std::uint64_t tasks = 500'000;
    Simulation simulation(scenario);
    (void)simulation.add_batch({.tasks = tasks});
    auto const outcome = simulation.run();
    EXPECT_LE(outcome.seconds, 1.02 * ideal_seconds(scenario, tasks));
}

// A slow executor gets its first chunk before anybody knows that it is slow; from then on its chunks fit it.
TEST(Simulation, AwfBalancesExecutorsOfDifferentSpeed) {
    for (auto const& speeds : {std::vector{1.0, 2.0, 3.0, 4.0}, std::vector{1.0, 1.0, 1.0, 0.5},
                              std::vector{1.0, 1.0, 1.0, 1.0}}) {
        Scenario scenario{.nodes = {{.executors = 4, .executor_speeds = speeds}},
                          .technique = Technique::awf,
                          .limits = {.first_block_per_executor = 1 << 20, .block_seconds = 1e6},
                          .task_seconds = [](BatchId, std::uint64_t) { return 1e-3; }};
        constexpr std::uint64_t tasks = 20'000;
        Simulation simulation(scenario);
        (void)simulation.add_batch({.tasks = tasks});
        auto const outcome = simulation.run();
        EXPECT_LE(outcome.seconds, 1.01 * ideal_seconds(scenario, tasks));
        EXPECT_LE(outcome.chunks, 150u);
    }
}

// No node waits while another one works at a task too many.
TEST(Simulation, FewLongTasksFillWholeRounds) {
    Scenario scenario{.technique = Technique::ss};
    for (int node = 0; node < 40; ++node) scenario.nodes.push_back({.executors = 16});
    constexpr std::uint64_t tasks = 3 * 40 * 16;
    Simulation simulation(scenario);
    (void)simulation.add_batch({.tasks = tasks});
    EXPECT_LE(simulation.run().seconds, 1.01 * ideal_seconds(scenario, tasks));
}

// The first blocks are given before any speed is known.
TEST(Simulation, SlowNodesDoNotChokeOnTheirFirstBlocks) {
    Scenario scenario{.technique = Technique::ss};
    for (int node = 0; node < 40; ++node)
        scenario.nodes.push_back({.executors = 16, .speed = 1.0 + node % 4});
    constexpr std::uint64_t tasks = 200 * 40 * 16;
    Simulation simulation(scenario);
    (void)simulation.add_batch({.tasks = tasks});
    EXPECT_LE(simulation.run().seconds, 1.05 * ideal_seconds(scenario, tasks));
}

// Graham 1966: without knowing the durations, list scheduling can end one longest task after the ideal.
TEST(Simulation, AMillionExecutors) {
    constexpr double longest = 15;
    Scenario scenario{.technique = Technique::ss, .task_seconds = [](BatchId, std::uint64_t task) {
                          return 5 + (longest - 5) * hashed(0, task);
                      }};
    for (int node = 0; node < 10'000; ++node) scenario.nodes.push_back({.executors = 100});
    constexpr std::uint64_t tasks = 2'000'000;
    Simulation simulation(scenario);
    (void)simulation.add_batch({.tasks = tasks});
    auto const outcome = simulation.run();
    EXPECT_EQ(outcome.chunks, tasks);
    EXPECT_LE(outcome.seconds, ideal_seconds(scenario, tasks) + longest);
    EXPECT_LE(outcome.messages, 10 * scenario.nodes.size());  // grows with nodes, not with tasks
}

}  // namespace
}  // namespace plenum::sched
