// Options from TOML files: which key means which option, of which job, as which text.
#include "app/config_file.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "app/app_test_tools.hpp"

namespace plenum::app {
namespace {

using testing::HasSubstr;

[[nodiscard]] JobRegistry const& jobs() {
    static auto const registry = [] {
        JobRegistry made;
        auto const run = [](JobContext&) { return 0; };
        made.add({.name = "segment",
                  .summary = "a job",
                  .options = {{.name = "images", .placeholder = "FILES", .help = "images"},
                              {.name = "verify", .help = "a switch"}},
                  .run = run});
        made.add({.name = "sleep",
                  .summary = "another",
                  .options = {{.name = "times", .placeholder = "SECONDS", .help = "times"}},
                  .run = run});
        return made;
    }();
    return registry;
}

[[nodiscard]] ConfigFile read(std::string const& text, JobRegistry const* registry = &jobs()) {
    auto const path =
        (std::filesystem::temp_directory_path() / ("plenum-config-" + std::to_string(::getpid()))).string();
    std::ofstream(path) << text;
    auto const names = technique_names();
    struct Remove {
        std::string const& path;
        ~Remove() { std::filesystem::remove(path); }
    } const remove{path};
    return read_config(path, run_option_table(names), registry, "segment");
}

TEST(ConfigFile, GivesValuesAsTheyWouldStandInTheCommandLine) {
    auto const config = read(R"(
# a comment
seed = 1_000
node-memory = "4G"
dry-run = true
force = false

[segment]
images = ["a.png", 'b,c.png']
verify = true

[sleep]
times = [0.1, 2, 1e300, -0.0, 1e6, 3.0]
)");
    EXPECT_EQ(config.run.size(), 4u);
    EXPECT_EQ(config.run.at("seed").text, "1000");
    EXPECT_TRUE(config.run.at("seed").source.ends_with(":3: seed"));
    EXPECT_EQ(config.run.at("node-memory").text, "4G");
    EXPECT_EQ(config.run.at("dry-run").text, "true");
    EXPECT_EQ(config.run.at("force").text, "false");
    EXPECT_EQ(config.job.size(), 2u);
    EXPECT_EQ(config.job.at("images").text, "a.png,b,c.png");
    EXPECT_EQ(config.job.at("verify").text, "true");
    EXPECT_TRUE(config.job.at("images").source.ends_with(":9: images"));
}

TEST(ConfigFile, WritesNumbersThatReadBackTheSame) {
    for (auto const* number :
         {"0.1", "1e+300", "2.5", "1.7976931348623157e+308", "5e-324", "-3.0", "1000000.0"}) {
        auto const config = read(std::string("[segment]\nimages = ") + number);
        EXPECT_EQ(config.job.at("images").text, number);
    }
    EXPECT_EQ(read("seed = 0x10").run.at("seed").text, "16");
}

TEST(ConfigFile, TablesMayBeWrittenInEveryWayOfToml) {
    for (auto const* text : {"[segment]\nimages = 'a'", "segment.images = 'a'", "segment = {images = 'a'}",
                             "[sleep]\n[\"segment\"]\n\"images\" = '''a'''"})
        EXPECT_EQ(read(text).job.at("images").text, "a") << text;
}

TEST(ConfigFile, AnEmptyFileGivesNothing) {
    EXPECT_TRUE(read("").run.empty());
    EXPECT_TRUE(read("\xef\xbb\xbf# only a comment\r\n").job.empty());
}

TEST(ConfigFile, ChecksTheTablesOfOtherJobsToo) {
    EXPECT_THAT(refusal([] { (void)read("[sleep]\ntime = 3"); }),
                HasSubstr(":2: unknown key 'time' ('times' is near)"));
    EXPECT_THAT(refusal([] { (void)read("[slep]\ntimes = 3"); }),
                HasSubstr(":1: unknown table [slep] ('sleep' is near)"));
}

TEST(ConfigFile, ProgramsWithoutJobsTakeTheRunOptionsOnly) {
    auto const config = read("seed = 3\n[convolve]\nfilters = 3", nullptr);
    EXPECT_EQ(config.run.at("seed").text, "3");
    EXPECT_TRUE(config.job.empty());
    EXPECT_THAT(refusal([] { (void)read("sede = 3", nullptr); }), HasSubstr("'seed' is near"));
}

TEST(ConfigFile, WhateverIsInTheFileIsRefusedWithOneLine) {
    EXPECT_THAT(refusal([] { (void)read(std::string("seed = 1\n[\0\0]", 13)); }),
                HasSubstr(":2: this is not TOML"));
    for (auto const* const text : {"\"a\\nb\" = 1", "x = n\n", "[\"a\\nb\"]\n", "[+x]\n", "[/]\n"}) {
        auto const message = refusal([&] { (void)read(text); });
        EXPECT_EQ(message.find('\n'), std::string::npos) << message;
        EXPECT_FALSE(message.empty());
    }
}

TEST(ConfigFile, RefusesFilesThatAreTooLong) {
    EXPECT_THROW((void)read(std::string(2 << 20, '#')), EnvironmentError);
}

}  // namespace
}  // namespace plenum::app
