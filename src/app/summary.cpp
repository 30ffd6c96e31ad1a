#include "app/summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <span>

#include "app/progress.hpp"
#include "base/units.hpp"

namespace plenum::app {
namespace {

using Rank = RunSummary::Rank;

constexpr std::size_t most_ranks_shown = 16;
constexpr std::ptrdiff_t extremes_shown = 3;
constexpr std::size_t most_failures_shown = 5;
constexpr std::size_t widest_list = 80;  // of tasks, also in a file

[[nodiscard]] double sum_of_busy_seconds(RunSummary const& summary) {
    return std::accumulate(summary.ranks.begin(), summary.ranks.end(), 0.0,
                           [](double sum, Rank const& rank) { return sum + rank.busy_seconds; });
}

[[nodiscard]] std::string format_percent(double ratio) {
    return fmt::format("{:.1f} %", 100 * ratio);
}
[[nodiscard]] std::string format_percent(std::optional<double> const& ratio) {
    return ratio ? format_percent(*ratio) : "-";
}

[[nodiscard]] std::string row(std::string_view label, std::string_view value) {
    return fmt::format("  {:<20}  {}\n", label, value);
}

[[nodiscard]] std::string head(RunSummary const& summary, TextStyle const& style) {
    auto const over = summary.done + summary.failed;
    auto counts = fmt::format("{} of {} tasks done", summary.done, summary.tasks);
    if (summary.failed > 0) counts += fmt::format(", {} failed", summary.failed);
    if (over < summary.tasks) counts += fmt::format(", {} not run", summary.tasks - over);
    if (!summary.stopped.empty()) counts += "; " + summary.stopped;
    auto const colour = summary.done == summary.tasks ? Colour::green : Colour::red;
    return fmt::format("{}: {}\n", summary.job, coloured(counts, colour, style));
}

[[nodiscard]] std::string figures(RunSummary const& summary) {
    auto const seconds = [](double value) { return base::format_duration(value); };
    auto text =
        row("wall time", fmt::format("{} (first task after {}, computing {})", seconds(summary.wall_seconds),
                                     seconds(summary.first_task_seconds), seconds(summary.compute_seconds)));
    if (summary.earlier > 0)
        text += row("resumed", fmt::format("{} tasks were over before", summary.earlier));
    auto const rate = tasks_per_second(summary);
    text += row("throughput", rate ? format_task_rate(*rate) : "-");
    text += row("parallel efficiency", format_percent(parallel_efficiency(summary)));
    text += row("load imbalance", format_percent(load_imbalance(summary)));
    if (summary.retried + summary.timed_out > 0) {
        auto value = fmt::format("{} retried", summary.retried);
        if (summary.timed_out > 0) value += fmt::format(", {} killed for their time", summary.timed_out);
        text += row("failed attempts", value);
    }
    if (auto const calls = cached_calls(summary); calls > 0) {
        auto value = fmt::format("{} hits of {} ({:.0f} %)", summary.cache.hits, calls,
                                 100 * static_cast<double>(summary.cache.hits) / static_cast<double>(calls));
        if (summary.cache.unkept > 0) value += fmt::format(", {} results not kept", summary.cache.unkept);
        text += row("cache", value);
    }
    return text;
}

[[nodiscard]] std::string plural(std::uint64_t number, std::string_view noun) {
    return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

/// One line for each of `ranks`, which are some of the summary's; the columns are those of all.
[[nodiscard]] std::string rank_lines(RunSummary const& summary, std::span<Rank const> ranks,
                                     TextStyle const& style) {
    std::size_t rank_width = 0;
    std::size_t host_width = 0;
    std::size_t cores_width = 0;
    std::size_t tasks_width = 0;
    for (auto const& rank : summary.ranks) {
        rank_width = std::max(rank_width, std::to_string(rank.rank).size());
        host_width = std::max(host_width, columns(rank.host));
        cores_width = std::max(cores_width, columns(rank.cores));
        tasks_width = std::max(tasks_width, plural(rank.tasks, "task").size());
    }
    host_width = std::min<std::size_t>(host_width, 14);
    cores_width = std::min<std::size_t>(cores_width, 10);
    auto const cores_column = [&](Rank const& rank) {
        if (cores_width == 0) return std::string();
        return fmt::format("  cores {:<{}}", one_line(rank.cores, cores_width, style), cores_width);
    };

    std::string text;
    for (auto const& rank : ranks) {
        auto const share = busy_share(summary, rank);
        auto const before =
            fmt::format("    {:>{}}  {:<{}}{}  ", rank.rank, rank_width,
                        one_line(rank.host, host_width, style), host_width, cores_column(rank));
        auto const after = fmt::format("  {:>7}  ", format_percent(share));
        auto const around = columns(before) + after.size() + tasks_width;
        auto const width = std::clamp<std::size_t>(style.width - std::min(style.width, around), 5, 20);
        text += before + bar(share, width, style) + after + plural(rank.tasks, "task") + '\n';
    }
    return text;
}

[[nodiscard]] std::string busy_section(RunSummary const& summary, TextStyle const& style) {
    if (summary.ranks.empty()) return "";
    if (summary.ranks.size() <= most_ranks_shown)
        return "  busy share of each rank\n" + rank_lines(summary, summary.ranks, style);
    auto ranks = summary.ranks;
    std::ranges::stable_sort(ranks, std::greater{}, &Rank::busy_seconds);
    auto const middle = ranks.size() / 2;
    auto const share = [&](std::size_t place) { return busy_share(summary, ranks[place]); };
    auto const median = ranks.size() % 2 == 1 ? share(middle) : (share(middle - 1) + share(middle)) / 2;
    auto text = row(fmt::format("busy, {} ranks", ranks.size()),
                    fmt::format("min {}, median {}, max {}", format_percent(share(ranks.size() - 1)),
                                format_percent(median), format_percent(share(0))));
    std::span<Rank const> const all = ranks;
    text += "  the busiest ranks\n" + rank_lines(summary, all.first(extremes_shown), style);
    text += "  the least busy ranks\n" + rank_lines(summary, all.last(extremes_shown), style);
    return text;
}

[[nodiscard]] std::string failure_section(RunSummary const& summary, TextStyle const& style) {
    if (summary.failed == 0) return "";
    std::string text = "  failed tasks\n";
    auto const shown = std::min(summary.failures.size(), most_failures_shown);
    for (auto const& failure : std::span(summary.failures).first(shown)) {
        auto const line = fmt::format("    task {} on rank {} ({}), {}: {}", failure.task, failure.rank,
                                      failure.host, name_of(failure.cause), failure.message);
        text += one_line(line, style.width, style) + '\n';
    }
    if (summary.failed > shown)
        text += fmt::format("    {}and {} more\n", style.unicode ? "… " : "... ", summary.failed - shown);
    return text;
}

/// The tasks that nobody should run again before their crash is understood.
[[nodiscard]] std::string quarantine_section(RunSummary const& summary, TextStyle const& style) {
    if (summary.quarantined == 0) return "";
    auto const width = std::min(style.width, widest_list);
    auto line = fmt::format("  {:<20}  {}:", "quarantined", plural(summary.quarantined, "task"));
    for (auto const& failure : summary.failures)
        if (failure.quarantined && line.size() <= width) line += fmt::format(" {}", failure.task);
    return one_line(line, width, style) + '\n';
}

[[nodiscard]] std::string output_section(RunSummary const& summary) {
    if (summary.output.empty()) return "";
    auto written = base::format_bytes(summary.bytes_written);
    if (summary.wall_seconds > 0) {
        auto const rate = static_cast<double>(summary.bytes_written) / summary.wall_seconds;
        written += fmt::format(" ({}/s)", base::format_bytes(static_cast<std::uint64_t>(rate)));
    }
    return row("written", written) + row("results", summary.output);
}

}  // namespace

std::optional<double> tasks_per_second(RunSummary const& summary) {
    if (!(summary.compute_seconds > 0)) return std::nullopt;
    return static_cast<double>(summary.done + summary.failed - summary.earlier) / summary.compute_seconds;
}

std::optional<double> parallel_efficiency(RunSummary const& summary) {
    double executors = 0;
    for (auto const& rank : summary.ranks) executors += rank.executors;
    double const available = executors * summary.compute_seconds;
    if (!(available > 0)) return std::nullopt;
    return sum_of_busy_seconds(summary) / available;
}

std::optional<double> load_imbalance(RunSummary const& summary) {
    double const sum = sum_of_busy_seconds(summary);
    if (!(sum > 0)) return std::nullopt;
    auto const busiest = std::ranges::max_element(summary.ranks, {}, &Rank::busy_seconds);
    return busiest->busy_seconds / (sum / static_cast<double>(summary.ranks.size())) - 1;
}

std::uint64_t cached_calls(RunSummary const& summary) {
    return summary.cache.hits + summary.cache.misses;
}

double busy_share(RunSummary const& summary, RunSummary::Rank const& rank) {
    return summary.compute_seconds > 0 ? rank.busy_seconds / (rank.executors * summary.compute_seconds) : 0;
}

std::string summary_text(RunSummary const& summary, TextStyle const& style) {
    auto text = head(summary, style);
    text += figures(summary);
    text += busy_section(summary, style);
    text += failure_section(summary, style);
    text += quarantine_section(summary, style);
    text += output_section(summary);
    return text;
}

}  // namespace plenum::app
