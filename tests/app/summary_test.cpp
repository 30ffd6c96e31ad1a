#include "app/summary.hpp"

#include <nlohmann/json.hpp>
#include <sstream>

#include "app/app_test_tools.hpp"

namespace plenum::app {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Two ranks, busy 8 s and 4 s of 10 s: efficiency 12 / (2 x 10) = 60 %, imbalance 8 / 6 - 1 = 33.3 %.
[[nodiscard]] RunSummary example() {
    return {.job = "convolve",
            .tasks = 512,
            .done = 512,
            .wall_seconds = 12.5,
            .first_task_seconds = 0.25,
            .compute_seconds = 10,
            .ranks = {{.rank = 0, .host = "n1", .cores = "0", .busy_seconds = 8, .tasks = 341},
                      {.rank = 1, .host = "n1", .cores = "1-3", .busy_seconds = 4, .tasks = 171}},
            .bytes_written = 25ull << 20,
            .output = "edges.h5"};
}

[[nodiscard]] RunSummary with_failures(std::uint64_t failed, std::uint64_t listed) {
    auto summary = example();
    summary.failed = failed;
    summary.done = summary.tasks - failed;
    for (std::uint64_t i = 0; i < listed; ++i)
        summary.failures.push_back({.task = 800 + i,
                                    .rank = 17,
                                    .host = "n0042",
                                    .cause = FailureCause::exception,
                                    .message = "matrix is singular"});
    return summary;
}

[[nodiscard]] RunSummary with_ranks(int count) {
    auto summary = example();
    summary.ranks.clear();
    // Rank r is busy for 1, 2, ... tenths of a second, in an order that is not sorted.
    for (int i = 0; i < count; ++i)
        summary.ranks.push_back({.rank = i,
                                 .host = "a-host-with-a-rather-long-name.example.org",
                                 .cores = "0-63,128-191",
                                 .busy_seconds = 0.1 * (1 + i * 7 % count),
                                 .tasks = 1});
    return summary;
}

[[nodiscard]] std::vector<std::string> lines_of(std::string const& text) {
    std::istringstream stream(text);
    std::vector<std::string> lines;
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
}

TEST(SummaryFigures, FollowTheirFormulas) {
    auto const summary = example();
    EXPECT_DOUBLE_EQ(tasks_per_second(summary).value(), 512 / 10.0);
    EXPECT_DOUBLE_EQ(parallel_efficiency(summary).value(), 0.6);
    EXPECT_DOUBLE_EQ(load_imbalance(summary).value(), 8.0 / 6.0 - 1);
    EXPECT_DOUBLE_EQ(busy_share(summary, summary.ranks[1]), 0.4);
}

TEST(SummaryFigures, AreSharesOfAllExecutors) {
    auto summary = example();
    for (auto& rank : summary.ranks) rank.executors = 4;
    EXPECT_DOUBLE_EQ(parallel_efficiency(summary).value(), 0.15);
    EXPECT_DOUBLE_EQ(load_imbalance(summary).value(), 8.0 / 6.0 - 1);
    EXPECT_DOUBLE_EQ(busy_share(summary, summary.ranks[1]), 0.1);
}

TEST(SummaryFigures, CountFailedTasksAsFinished) {
    EXPECT_DOUBLE_EQ(tasks_per_second(with_failures(12, 5)).value(), 512 / 10.0);
}

TEST(SummaryFigures, PerfectBalanceHasNoImbalance) {
    auto summary = example();
    for (auto& rank : summary.ranks) rank.busy_seconds = 10;
    EXPECT_DOUBLE_EQ(parallel_efficiency(summary).value(), 1);
    EXPECT_DOUBLE_EQ(load_imbalance(summary).value(), 0);
}

TEST(SummaryFigures, DoNotExistForARunWithoutWork) {
    RunSummary const empty{.job = "empty"};
    EXPECT_FALSE(tasks_per_second(empty));
    EXPECT_FALSE(parallel_efficiency(empty));
    EXPECT_FALSE(load_imbalance(empty));
    EXPECT_EQ(summary_text(empty, {}),
              "empty: 0 of 0 tasks done\n"
              "  wall time             0 s (first task after 0 s, computing 0 s)\n"
              "  throughput            -\n"
              "  parallel efficiency   -\n"
              "  load imbalance        -\n");
}

TEST(SummaryText, ReadsLikeThis) {
    EXPECT_EQ(summary_text(example(), {}),
              "convolve: 512 of 512 tasks done\n"
              "  wall time             12.5 s (first task after 0.25 s, computing 10.0 s)\n"
              "  throughput            51.2 tasks/s\n"
              "  parallel efficiency   60.0 %\n"
              "  load imbalance        33.3 %\n"
              "  busy share of each rank\n"
              "    0  n1  cores 0    ################----   80.0 %  341 tasks\n"
              "    1  n1  cores 1-3  ########------------   40.0 %  171 tasks\n"
              "  written               25.0 MiB (2.0 MiB/s)\n"
              "  results               edges.h5\n");
}

TEST(SummaryText, NamesTheFirstFiveFailuresAndCountsTheRest) {
    auto const text = [](std::uint64_t failed, std::uint64_t listed) {
        return summary_text(with_failures(failed, listed), {});
    };
    EXPECT_THAT(text(0, 0), Not(HasSubstr("failed")));
    EXPECT_THAT(text(1, 1), HasSubstr("511 of 512 tasks done, 1 failed\n"));
    EXPECT_THAT(text(1, 1), HasSubstr("    task 800 on rank 17 (n0042), exception: matrix is singular\n"));
    EXPECT_THAT(text(5, 5), HasSubstr("task 804"));
    EXPECT_THAT(text(5, 5), Not(HasSubstr("more")));
    EXPECT_THAT(text(6, 6), Not(HasSubstr("task 805")));
    EXPECT_THAT(text(6, 6), HasSubstr("    ... and 1 more\n"));
    EXPECT_THAT(text(12, 3), HasSubstr("    ... and 9 more\n"));
    EXPECT_THAT(summary_text(with_failures(12, 12), {.unicode = true}), HasSubstr("    … and 7 more\n"));
}

TEST(SummaryText, SaysWhatDidNotRun) {
    auto summary = with_failures(2, 2);
    summary.done = 300;
    EXPECT_THAT(summary_text(summary, {}), HasSubstr("300 of 512 tasks done, 2 failed, 210 not run\n"));
    summary = example();
    summary.done = 300;
    EXPECT_THAT(summary_text(summary, {}), HasSubstr("300 of 512 tasks done, 212 not run\n"));
}

TEST(SummaryText, NamesWhatHappenedToAttemptsAndWhyTheRunStopped) {
    auto summary = with_failures(3, 3);
    auto const quiet = summary_text(summary, {});
    for (auto const* word : {"retried", "quarantined", "stopped"}) EXPECT_THAT(quiet, Not(HasSubstr(word)));
    summary.done = 100;
    summary.retried = 7;
    summary.timed_out = 2;
    summary.quarantined = 2;
    summary.failures[0].quarantined = summary.failures[2].quarantined = true;
    summary.stopped = "stopped by SIGUSR1";
    auto const text = summary_text(summary, {});
    EXPECT_THAT(text, HasSubstr("100 of 512 tasks done, 3 failed, 409 not run; stopped by SIGUSR1\n"));
    EXPECT_THAT(text, HasSubstr("failed attempts       7 retried, 2 killed for their time\n"));
    EXPECT_THAT(text, HasSubstr("quarantined           2 tasks: " + std::to_string(summary.failures[0].task) +
                                " " + std::to_string(summary.failures[2].task) + "\n"));
    auto const json = nlohmann::json::parse(summary_json(summary));
    EXPECT_EQ(json["not_run"], 409);
    EXPECT_EQ(json["retried"], 7);
    EXPECT_EQ(json["timed_out"], 2);
    EXPECT_EQ(json["quarantined"], 2);
    EXPECT_EQ(json["stopped"], "stopped by SIGUSR1");
    EXPECT_EQ(json["failures"][1]["quarantined"], false);
    EXPECT_EQ(json["failures"][2]["quarantined"], true);
}

TEST(SummaryText, ShowsTheExtremesOfManyRanks) {
    EXPECT_THAT(summary_text(with_ranks(16), {}), HasSubstr("busy share of each rank"));
    // Busy 0.1 to 1.8 s of 10 s: the median of 18 ranks lies between the 9th and the 10th, 0.9 and 1.0 s.
    auto const text = summary_text(with_ranks(18), {});
    EXPECT_THAT(text, HasSubstr("  busy, 18 ranks        min 1.0 %, median 9.5 %, max 18.0 %\n"));
    std::vector<std::string> shares;
    for (auto const& line : lines_of(text))
        if (line.ends_with(" 1 task")) shares.push_back(line.substr(line.size() - 14, 6));
    EXPECT_EQ(shares, (std::vector<std::string>{"18.0 %", "17.0 %", "16.0 %", " 3.0 %", " 2.0 %", " 1.0 %"}));
}

TEST(SummaryText, FitsIntoTheWidth) {
    auto summary = with_ranks(5000);
    summary.compute_seconds = 500;
    summary.failed = 9;
    summary.ranks[2857].tasks = 1'000'000;
    summary.failures.push_back({.task = 1, .host = "n", .message = std::string(500, 'x') + "\n\x1b[2Jmore"});
    for (bool const unicode : {false, true})
        for (auto const& line : lines_of(summary_text(summary, {.unicode = unicode, .width = 80})))
            EXPECT_LE(columns(line), 80u) << line;
}

TEST(SummaryText, CutsNoCauseInAFile) {
    auto summary = with_failures(1, 1);
    summary.failures[0].message = std::string(500, 'x') + "\nthe end";
    EXPECT_THAT(summary_text(summary, {}), HasSubstr(std::string(500, 'x') + " the end\n"));
}

TEST(SummaryText, KeepsTheListOfTheQuarantinedShort) {
    auto summary = with_failures(1000, 1000);
    summary.quarantined = 1000;
    for (auto& failure : summary.failures) failure.quarantined = true;
    for (auto const& line : lines_of(summary_text(summary, {})))
        if (line.find("quarantined") != std::string::npos) {
            EXPECT_LE(columns(line), 80u) << line;
        }
}

TEST(SummaryText, RepeatsNoWarnings) {
    auto summary = example();
    summary.warnings = {"ranks 0 and 1 share core 3; use mpirun --bind-to core"};
    EXPECT_EQ(summary_text(summary, {}), summary_text(example(), {}));
}

TEST(SummaryText, ColoursAreOptional) {
    auto const summary = with_failures(1, 1);
    EXPECT_THAT(summary_text(summary, {}), Not(HasSubstr("\x1b")));
    auto const coloured_text = summary_text(summary, {.colour = true});
    EXPECT_THAT(coloured_text, HasSubstr("\x1b[31m511 of 512 tasks done, 1 failed\x1b[0m"));
    EXPECT_THAT(summary_text(example(), {.colour = true}), HasSubstr("\x1b[32m512 of 512"));
}

TEST(SummaryText, TellsHowOftenACacheWasHitWhereOneWasUsed) {
    auto summary = example();
    EXPECT_THAT(summary_text(summary, {}), Not(HasSubstr("cache")));
    summary.cache = {.hits = 812, .misses = 188, .unkept = 0};
    EXPECT_THAT(summary_text(summary, {}), HasSubstr("  cache                 812 hits of 1000 (81 %)\n"));
    summary.cache.unkept = 3;
    EXPECT_THAT(summary_text(summary, {}), HasSubstr("(81 %), 3 results not kept\n"));
}

TEST(SummaryJson, HoldsTheUseOfTheCacheOrNull) {
    auto summary = example();
    EXPECT_TRUE(nlohmann::json::parse(summary_json(summary))["cache"].is_null());
    summary.cache = {.hits = 812, .misses = 188, .unkept = 3};
    EXPECT_EQ(nlohmann::json::parse(summary_json(summary))["cache"],
              (nlohmann::json{{"calls", 1000}, {"hits", 812}, {"unkept", 3}}));
}

TEST(SummaryJson, HoldsEveryFigureInOneLine) {
    auto summary = with_failures(12, 6);
    summary.warnings = {"careful"};
    auto const text = summary_json(summary);
    EXPECT_EQ(text.find('\n'), text.size() - 1);
    auto const json = nlohmann::json::parse(text);
    EXPECT_EQ(json["job"], "convolve");
    EXPECT_EQ(json["tasks"], 512);
    EXPECT_EQ(json["done"], 500);
    EXPECT_EQ(json["failed"], 12);
    EXPECT_EQ(json["wall_seconds"], 12.5);
    EXPECT_EQ(json["first_task_seconds"], 0.25);
    EXPECT_EQ(json["compute_seconds"], 10.0);
    EXPECT_DOUBLE_EQ(json["tasks_per_second"], 51.2);
    EXPECT_DOUBLE_EQ(json["parallel_efficiency"], 0.6);
    EXPECT_DOUBLE_EQ(json["load_imbalance"], 1.0 / 3.0);
    EXPECT_EQ(json["bytes_written"], 26214400);
    EXPECT_EQ(json["output"], "edges.h5");
    EXPECT_EQ(json["warnings"], nlohmann::json::array({"careful"}));
    ASSERT_EQ(json["ranks"].size(), 2u);
    EXPECT_EQ(json["ranks"][1], (nlohmann::json{{"rank", 1},
                                                {"host", "n1"},
                                                {"cores", "1-3"},
                                                {"executors", 1},
                                                {"busy_seconds", 4.0},
                                                {"busy_share", 0.4},
                                                {"tasks", 171}}));
    ASSERT_EQ(json["failures"].size(), 6u);
    EXPECT_EQ(json["failures"][5], (nlohmann::json{{"attempt", 1},
                                                   {"quarantined", false},
                                                   {"task", 805},
                                                   {"rank", 17},
                                                   {"host", "n0042"},
                                                   {"cause", "exception"},
                                                   {"message", "matrix is singular"}}));
}

TEST(SummaryJson, StaysValidWithoutFiguresAndWithAnyBytes) {
    RunSummary summary{.job = "x", .failed = 1};
    summary.failures.push_back({.message = "bad \xff\xfe bytes\n\"quoted\""});
    auto const json = nlohmann::json::parse(summary_json(summary));
    for (auto const* name : {"tasks_per_second", "parallel_efficiency", "load_imbalance", "output"})
        EXPECT_TRUE(json[name].is_null()) << name;
    EXPECT_TRUE(json["ranks"].is_array());
    EXPECT_THAT(json["failures"][0]["message"].get<std::string>(), HasSubstr("\"quoted\""));
}

}  // namespace
}  // namespace plenum::app
