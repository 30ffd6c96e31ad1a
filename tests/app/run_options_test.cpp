#include "app/run_options.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <plenum/option_value.hpp>
#include <set>

#include "app/app_test_tools.hpp"
#include "app/nearest.hpp"

namespace plenum::app {
namespace {

using testing::HasSubstr;

constexpr std::array<std::string_view, 7> techniques{"auto", "static", "ss", "gss", "tss", "fac2", "awf"};

[[nodiscard]] std::vector<RunOption> table() {
    return run_option_table(techniques);
}

[[nodiscard]] RunOption row(std::string_view name) {
    for (auto const& option : table())
        if (option.name == name) return option;
    throw std::out_of_range("no such option");
}

[[nodiscard]] RunOptions stored(std::string_view name, std::string_view text) {
    RunOptions options;
    store_option(options, row(name), text, "--x");
    return options;
}

TEST(ParseOption, TakesWholeValuesOnly) {
    EXPECT_EQ(parse_option<int>("-12", "--n"), -12);
    EXPECT_EQ(parse_option<std::uint64_t>("18446744073709551615", "--n"),
              std::numeric_limits<std::uint64_t>::max());
    EXPECT_EQ(parse_option<std::int64_t>("-9223372036854775808", "--n"),
              std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(parse_option<std::uint8_t>("255", "--n"), 255);
    EXPECT_EQ(parse_option<double>("1e-3", "--n"), 1e-3);
    EXPECT_EQ(parse_option<std::string>(" a b ", "--n"), " a b ");
    for (auto const* text : {"true", "yes", "on", "1"}) EXPECT_TRUE(parse_option<bool>(text, "--n")) << text;
    for (auto const* text : {"false", "no", "off", "0"})
        EXPECT_FALSE(parse_option<bool>(text, "--n")) << text;
}

TEST(ParseOption, RefusesTheRestAndNamesOptionAndValue) {
    auto const says = [](std::string const& message, std::string_view text, std::string_view why) {
        EXPECT_TRUE(message.starts_with("--n: '" + std::string(text) + "' ")) << message;
        EXPECT_THAT(message, HasSubstr(std::string(why)));
        EXPECT_THAT(message, HasSubstr("; write "));
    };
    for (auto const* text : {"", "-", "x", "1x", "1.5", "1e3", "+1", " 1", "1 ", "0x10", "--1"}) {
        says(refusal([&] { (void)parse_option<int>(text, "--n"); }), text, "not a whole number");
        says(refusal([&] { (void)parse_option<unsigned>(text, "--n"); }), text, "not a whole number");
    }
    says(refusal([] { (void)parse_option<unsigned>("-3", "--n"); }), "-3", "negative");
    says(refusal([] { (void)parse_option<unsigned>("-0", "--n"); }), "-0", "negative");
    says(refusal([] { (void)parse_option<int>("2147483648", "--n"); }), "2147483648",
         "from -2147483648 to 2147483647");
    says(refusal([] { (void)parse_option<std::int8_t>("-129", "--n"); }), "-129", "from -128 to 127");
    says(refusal([] { (void)parse_option<std::uint64_t>("18446744073709551616", "--n"); }),
         "18446744073709551616", "out of range");
    for (auto const* text : {"", "x", "1,5", "nan", "inf", "-inf", "1e999", "1 "})
        says(refusal([&] { (void)parse_option<double>(text, "--n"); }), text, "not a finite number");
    for (auto const* text : {"", "maybe", "2", "TRUE "})
        says(refusal([&] { (void)parse_option<bool>(text, "--n"); }), text, "neither true nor false");
}

TEST(RunOptionTable, ARunKeepsHowItsTasksRunAndHowResultsAreStored) {
    std::set<std::string> kept;
    for (auto const& option : table())
        if (option.recorded) kept.insert(option.name);
    EXPECT_EQ(kept, (std::set<std::string>{"schedule", "chunk-size", "isolation", "executors",
                                           "tasks-per-executor", "threads-per-task", "node-memory", "retries",
                                           "crash-limit", "max-failures", "task-timeout", "task-memory",
                                           "grace", "time-request", "node-silence", "commit-interval", "compress"}));
}

TEST(RunOptionTable, NamesAreUniqueAndVariablesFollowThem) {
    std::set<std::string> names;
    std::set<std::string> variables;
    for (auto const& option : table()) {
        EXPECT_TRUE(names.insert(option.name).second) << option.name;
        EXPECT_TRUE(variables.insert(option.variable()).second) << option.name;
        EXPECT_FALSE(option.help.empty()) << option.name;
        EXPECT_EQ(option.is_flag(), option.default_text.empty()) << option.name;
    }
    EXPECT_EQ(row("chunk-size").variable(), "PLENUM_CHUNK_SIZE");
    EXPECT_EQ(row("output").short_name, "o");
}

TEST(RunOptionTable, DefaultsAsShownAreTheDefaults) {
    RunOptions options;
    for (auto const& option : table())
        if (option.name != "output")
            store_option(options, option, option.is_flag() ? "false" : option.default_text, "x");
    EXPECT_EQ(options, RunOptions{});
}

TEST(RunOptionTable, EveryValueIsShownAsItIsRead) {
    auto const values = std::map<std::string, std::vector<std::string>>{
        {"output", {"a.h5", "dir/b.h5"}},
        {"schedule", {techniques.begin(), techniques.end()}},
        {"chunk-size", {"auto", "1", "9"}},
        {"isolation", {"process", "none"}},
        {"executors", {"1", "12"}},
        {"threads-per-task", {"auto", "4"}},
        {"tasks-per-executor", {"0", "100"}},
        {"node-memory", {"auto", "4194304"}},
        {"seed", {"0", "18446744073709551615"}},
        {"retries", {"0", "3", "exception=1,crash=2,timeout=0,out-of-memory=4"}},
        {"crash-limit", {"3", "1"}},
        {"max-failures", {"none", "0", "12", "5%", "0.25%"}},
        {"task-timeout", {"none", "0.5", "90"}},
        {"task-memory", {"none", "4194304"}},
        {"time-limit", {"none", "3600"}},
        {"grace", {"auto", "0", "12.5"}},
        {"time-request", {"none", "60"}},
        {"node-silence", {"none", "30", "2.5"}},
        {"force", {"true", "false"}},
        {"restart", {"true", "false"}},
        {"shard", {"none", "0/4"}},
        {"only", {"none", "812", "map:3"}},
        {"retry-failed", {"true", "false"}},
        {"commit-interval", {"1", "0", "0.25", "3600"}},
        {"compress", {"none", "gzip:1", "gzip:9"}},
        {"progress", {"auto", "bar", "lines", "none"}},
        {"dry-run", {"true", "false"}},
        {"output-mode", {"text", "json"}},
        {"config", {"none", "run.toml"}}};
    for (auto const& option : table()) {
        ASSERT_TRUE(values.contains(option.name)) << option.name << " is missing in this test";
        for (auto const& text : values.at(option.name))
            EXPECT_EQ(option.show(stored(option.name, text)), text);
    }
}

TEST(RunOptionTable, ValuesArriveInTheirFields) {
    EXPECT_EQ(stored("isolation", "none").isolation, Isolation::none);
    EXPECT_EQ(stored("progress", "lines").progress, ProgressMode::lines);
    EXPECT_EQ(stored("output-mode", "json").output_mode, OutputMode::json);
    EXPECT_EQ(stored("node-memory", "1.5 GiB").node_memory, 3ull << 29);
    EXPECT_EQ(stored("chunk-size", "auto").chunk_size, 0u);
    EXPECT_EQ(stored("executors", "12").executors, 12);
    EXPECT_EQ(stored("threads-per-task", "3").threads_per_task, 3);
    EXPECT_EQ(stored("schedule", "fac2").schedule, "fac2");
    EXPECT_TRUE(stored("dry-run", "yes").dry_run);
    EXPECT_EQ(stored("retries", "2").retries, (sched::Retries{2, 2, 2, 2}));
    EXPECT_EQ(stored("retries", "timeout=2,crash=1").retries,
              (sched::Retries{.exception = 0, .crash = 1, .timeout = 2, .out_of_memory = 0}));
    EXPECT_EQ(stored("max-failures", "7").max_failures.tasks, 7u);
    EXPECT_EQ(stored("max-failures", "7%").max_failures.percent, 7.0);
    EXPECT_EQ(stored("time-limit", "1:30:00").time_limit, 5400);
    EXPECT_EQ(stored("task-timeout", "20min").task_timeout, 1200);
    EXPECT_EQ(stored("grace", "45").grace, 45.0);
    EXPECT_EQ(stored("task-memory", "2G").task_memory, 2ull << 30);
}

TEST(RunOptionTable, BadValuesSayWhatWouldBeRight) {
    struct Case {
        char const* option;
        char const* text;
        char const* expected;
    };
    for (auto const& bad : {
             Case{"chunk-size", "-3", "is negative; write a whole number from 1"},
             Case{"chunk-size", "0", "out of range"},
             Case{"chunk-size", "ten", "not a whole number"},
             Case{"chunk-size", "99999999999999999999", "out of range"},
             Case{"chunk-size", "4294967296", "write a whole number from 1 to 4294967295"},
             Case{"executors", "0", "write a whole number from 1 to 4096"},
             Case{"executors", "auto", "not a whole number"},
             Case{"executors", "4097", "out of range"},
             Case{"tasks-per-executor", "-1", "negative"},
             Case{"threads-per-task", "0", "out of range"},
             Case{"threads-per-task", "many", "not a whole number"},
             Case{"node-memory", "-4G", "not a size"},
             Case{"node-memory", "lots", "not a size"},
             Case{"node-memory", "1e30", "not a size"},
             Case{"node-memory", "4", "less than 1.0 MiB"},
             Case{"node-memory", "0", "less than 1.0 MiB"},
             Case{"retries", "-1", "negative"},
             Case{"retries", "fault=1", "write as in exception=1,crash=2"},
             Case{"crash-limit", "0", "out of range"},
             Case{"max-failures", "101%", "from 0 to 100"},
             Case{"max-failures", "few", "not a whole number"},
             Case{"task-timeout", "soon", "not a time"},
             Case{"task-timeout", "0", "no time at all"},
             Case{"task-timeout", "-5", "not a time"},
             Case{"node-silence", "0.2", "too short"},
             Case{"task-memory", "4", "less than 1.0 MiB"},
             Case{"time-limit", "1:2:3:4", "not a time"},
             Case{"time-limit", "nan", "not a time"},
             Case{"grace", "1e30", "not a time"},
             Case{"seed", "-1", "negative"},
             Case{"seed", "1.5", "not a whole number"},
             Case{"schedule", "gsss", "('gss' is near); write one of auto, static, ss, gss, tss, fac2, awf"},
             Case{"isolation", "thread", "write one of process, none"},
             Case{"progress", "lnes", "('lines' is near)"},
             Case{"output-mode", "JSON", "write one of text, json"},
             Case{"output", "results/", "is a folder; name a file in it"},
             Case{"force", "maybe", "write true or false"},
         }) {
        auto const message = refusal([&] { (void)stored(bad.option, bad.text); });
        EXPECT_TRUE(message.starts_with("--x: '" + std::string(bad.text) + "' ")) << message;
        EXPECT_THAT(message, HasSubstr(bad.expected));
    }
}

TEST(Environment, SetsWhatTheCommandLineDidNot) {
    RunOptions options{.seed = 5};
    auto const variables = pretend_environment(
        {{"PLENUM_SEED", "7"}, {"PLENUM_FORCE", "1"}, {"PLENUM_PROGRESS", ""}, {"PLENUM_NODE_MEMORY", "2G"}});
    apply_environment(options, table(), variables, std::vector<std::string>{"seed"});
    EXPECT_EQ(options, (RunOptions{.node_memory = 2ull << 30, .seed = 5, .force = true}));
}

TEST(Environment, EveryOptionHasAVariableAndAWrongOneIsNamed) {
    for (auto const& option : table()) {
        if (option.name == "output" || option.name == "config") continue;  // any text is a file name
        RunOptions options;
        auto const message = refusal([&] {
            apply_environment(options, table(), pretend_environment({{option.variable(), "?"}}), {});
        });
        EXPECT_TRUE(message.starts_with(option.variable() + ": '?' ")) << message;
    }
    RunOptions options;
    EXPECT_THAT(refusal([&] {
                    apply_environment(options, table(), pretend_environment({{"PLENUM_OUTPUT", "x/"}}), {});
                }),
                HasSubstr("PLENUM_OUTPUT: 'x/' is a folder"));
}

TEST(Nearest, CountsEditsAndSwaps) {
    EXPECT_EQ(edit_distance("", ""), 0u);
    EXPECT_EQ(edit_distance("", "abc"), 3u);
    EXPECT_EQ(edit_distance("abc", ""), 3u);
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
    EXPECT_EQ(edit_distance("convlove", "convolve"), 1u);
    EXPECT_EQ(edit_distance("ab", "ba"), 1u);
}

TEST(Nearest, SuggestsOnlyWhatCouldBeMeant) {
    std::vector<std::string> const words{"convolve", "classify", "sleep", "--chunk-size"};
    EXPECT_EQ(nearest("convlove", words), "convolve");
    EXPECT_EQ(nearest("slep", words), "sleep");
    EXPECT_EQ(nearest("--chunk", words), "--chunk-size");
    EXPECT_EQ(nearest("zebra", words), "");
    EXPECT_EQ(nearest("", words), "");
    EXPECT_EQ(nearest_hint("zebra", words), "");
}

}  // namespace
}  // namespace plenum::app
