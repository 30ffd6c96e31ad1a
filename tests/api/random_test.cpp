// task_rng inside tasks: the same bits whatever the ranks, the technique and the chunks, as a plain loop
// gives.
#include <bit>
#include <cstdint>

#include "api/pool_test.hpp"

namespace plenum::api_test {
namespace {

struct Draws {
    std::uint64_t bits, uniform, normal;
    bool operator==(Draws const&) const = default;
};

Draws draw(std::uint64_t seed, std::uint64_t task) {
    auto rng = task_rng(seed, task);
    Draws draws{};
    for (std::uint64_t i = 0; i <= task % 50; ++i) {
        draws.bits += rng();
        draws.uniform += std::bit_cast<std::uint64_t>(rng.uniform01());
        draws.normal += std::bit_cast<std::uint64_t>(rng.normal());
    }
    return draws;
}

TEST(Random, TasksDrawTheSameBitsWhateverTheTechnique) {
    constexpr std::uint64_t seed = 77, tasks = 2000;
    for (auto const* const schedule : {"auto", "static", "ss", "gss", "tss", "fac2", "awf"}) {
        auto const results = pool().map([](std::uint64_t task) { return draw(seed, task); }, indices(tasks),
                                        {.schedule = schedule});
        for (std::uint64_t task = 0; task < tasks; ++task)
            ASSERT_EQ(results[task], draw(seed, task)) << schedule << " " << task;
    }
}

}  // namespace
}  // namespace plenum::api_test
