#include "app/job_registry.hpp"

#include "app/app_test_tools.hpp"

namespace plenum::app {
namespace {

int nothing(JobContext&) {
    return 0;
}

TEST(JobRegistry, ListsByNameAndFindsByName) {
    JobRegistry registry;
    registry.add({.name = "sleep", .run = nothing});
    registry.add({.name = "convolve", .run = nothing});
    registry.add({.name = "prefix_count", .run = nothing});
    EXPECT_EQ(registry.names(), (std::vector<std::string>{"convolve", "prefix_count", "sleep"}));
    ASSERT_NE(registry.find("sleep"), nullptr);
    EXPECT_EQ(registry.find("sleep")->name, "sleep");
    EXPECT_EQ(registry.find("sl"), nullptr);
}

TEST(JobRegistry, RefusesJobsThatCannotWork) {
    JobRegistry registry;
    registry.add({.name = "sleep", .run = nothing});
    auto const refused = [&](Job job) { return refusal([&] { registry.add(std::move(job)); }); };
    EXPECT_THAT(refused({.name = "sleep", .run = nothing}), testing::HasSubstr("registered twice"));
    EXPECT_THAT(refused({.name = "x"}), testing::HasSubstr("no function"));
    for (auto const* name : {"", "Big", "two words", "-x", "9lives"})
        EXPECT_THAT(refused({.name = name, .run = nothing}), testing::HasSubstr("lower-case")) << name;
    EXPECT_THAT(refused({.name = "x", .options = {{.name = "n-max"}, {.name = "n-max"}}, .run = nothing}),
                testing::HasSubstr("--n-max is declared twice"));
    for (auto const* option : {"seed", "output", "help", "dry-run"})
        EXPECT_THAT(refused({.name = "x", .options = {{.name = option}}, .run = nothing}),
                    testing::HasSubstr("is a run option"))
            << option;
    for (auto const* option : {"", "x", "--image", "a b", "a=b"})
        EXPECT_THAT(refused({.name = "x", .options = {{.name = option}}, .run = nothing}),
                    testing::HasSubstr("lower-case"))
            << option;
    EXPECT_EQ(registry.names(), std::vector<std::string>{"sleep"});
}

TEST(JobRegistryDeathTest, AddJobEndsTheProgramWithAMessage) {
    auto const add_twice = [] {
        add_job({.name = "same", .run = nothing});
        add_job({.name = "same", .run = nothing});
    };
    EXPECT_DEATH(add_twice(), "plenum: job 'same' is registered twice");
}

}  // namespace
}  // namespace plenum::app
