#include "app/limit_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <limits>
#include <plenum/error.hpp>
#include <plenum/option_value.hpp>

#include "base/clock.hpp"
#include "base/units.hpp"

namespace plenum::app {
namespace {

constexpr std::string_view automatic = "auto";
constexpr std::string_view none = "none";
constexpr double default_grace = 30;
constexpr double default_grace_share = 0.1;  // of a time limit, at most
constexpr std::uint64_t most_retries = 1'000'000;
constexpr std::uint64_t least_task_memory = 1 << 20;  // a smaller number nearly always lacks its unit

struct CauseName {
    std::string_view name;
    std::uint32_t sched::Retries::*field;
};
constexpr std::array causes{CauseName{"exception", &sched::Retries::exception},
                            CauseName{"crash", &sched::Retries::crash},
                            CauseName{"timeout", &sched::Retries::timeout},
                            CauseName{"out-of-memory", &sched::Retries::out_of_memory}};

std::uint32_t number_of_retries(std::string_view text, OptionText const& value) {
    return static_cast<std::uint32_t>(detail::parse_unsigned(text, value.source, 0, most_retries));
}

/// "2", or "exception=0,crash=2"; causes that are not named get none.
void store_retries(RunOptions& options, OptionText const& value) {
    options.retries = {};
    if (value.text.find('=') == std::string_view::npos) {
        auto const number = number_of_retries(value.text, value);
        for (auto const& cause : causes) options.retries.*cause.field = number;
        return;
    }
    for (auto rest = value.text;;) {
        auto const comma = rest.find(',');
        auto const part = rest.substr(0, comma);
        auto const equals = part.find('=');
        auto const cause = std::ranges::find(causes, part.substr(0, equals), &CauseName::name);
        if (equals == std::string_view::npos || cause == causes.end())
            throw UsageError(
                fmt::format("{}: '{}' is no cause with a number; write as in "
                            "exception=1,crash=2,timeout=0,out-of-memory=1",
                            value.source, part));
        options.retries.*cause->field = number_of_retries(part.substr(equals + 1), value);
        if (comma == std::string_view::npos) return;
        rest.remove_prefix(comma + 1);
    }
}

std::string show_retries(RunOptions const& options) {
    auto const& retries = options.retries;
    if (retries == sched::Retries{retries.crash, retries.crash, retries.crash, retries.crash})
        return std::to_string(retries.crash);
    std::string text;
    for (auto const& [name, field] : causes)
        text += fmt::format("{}{}={}", text.empty() ? "" : ",", name, retries.*field);
    return text;
}

void store_max_failures(RunOptions& options, OptionText const& value) {
    options.max_failures = {};
    if (value.text == none) return;
    if (!value.text.ends_with('%')) {
        options.max_failures.tasks = parse_option<std::uint64_t>(value.text, value.source);
        return;
    }
    auto const percent = parse_option<double>(value.text.substr(0, value.text.size() - 1), value.source);
    if (!(percent >= 0 && percent <= 100))
        throw UsageError(fmt::format("{}: '{}' is no share; write a number from 0 to 100 and %", value.source,
                                     value.text));
    options.max_failures.percent = percent;
}

std::string show_max_failures(RunOptions const& options) {
    if (options.max_failures.tasks) return std::to_string(*options.max_failures.tasks);
    if (options.max_failures.percent) return fmt::format("{}%", *options.max_failures.percent);
    return std::string(none);
}

void store_crash_limit(RunOptions& options, OptionText const& value) {
    options.crash_limit =
        static_cast<std::uint32_t>(detail::parse_unsigned(value.text, value.source, 1, most_retries));
}

/// A time that is there or not, under the word `none`.
template <double RunOptions::*field>
RunOption time_option(std::string name, bool recorded, std::string help) {
    return {
        .name = std::move(name),
        .placeholder = "TIME",
        .default_text = std::string(none),
        .help = std::move(help),
        .recorded = recorded,
        .store =
            [](RunOptions& o, OptionText const& value) {
                o.*field = value.text == none ? 0 : base::parse_duration(value.text, value.source);
                if (value.text != none && !(o.*field > 0))
                    throw UsageError(fmt::format("{}: '{}' is no time at all; write a longer one, or none",
                                                 value.source, value.text));
            },
        .show =
            [](RunOptions const& o) {
                return o.*field > 0 ? fmt::format("{}", o.*field) : std::string(none);
            }};
}

/// Shorter than a second would be told of nodes that are only busy.
void store_node_silence(RunOptions& options, OptionText const& value) {
    options.node_silence = value.text == none ? 0 : base::parse_duration(value.text, value.source);
    if (value.text != none && !(options.node_silence >= 1))
        throw UsageError(
            fmt::format("{}: '{}' is too short; write at least 1 s, or none", value.source, value.text));
}

void store_grace(RunOptions& options, OptionText const& value) {
    options.grace.reset();
    if (value.text != automatic) options.grace = base::parse_duration(value.text, value.source);
}

void store_task_memory(RunOptions& options, OptionText const& value) {
    options.task_memory = value.text == none ? 0 : base::parse_bytes(value.text, value.source);
    if (value.text != none && options.task_memory < least_task_memory)
        throw UsageError(
            fmt::format("{}: '{}' is less than {}; write a size with its unit, such as 512M or 4G",
                        value.source, value.text, base::format_bytes(least_task_memory)));
}

/// Seconds until the end of the Slurm job that this is part of, if Slurm says when.
std::optional<double> left_of_slurm_job(EnvironmentLookup const& environment) {
    auto const text = environment("SLURM_JOB_END_TIME");
    if (!text) return std::nullopt;
    std::uint64_t end = 0;
    auto const parsed = std::from_chars(text->data(), text->data() + text->size(), end);
    if (parsed.ec != std::errc{}) return std::nullopt;
    auto const now =
        std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    return std::max(0.0, static_cast<double>(end) - now);
}

}  // namespace

std::vector<RunOption> limit_option_table() {
    return {
        {.name = "retries",
         .placeholder = "N",
         .default_text = "0",
         .help = "how often a failed task runs again, counted for each cause by itself; or per cause: "
                 "exception=1,crash=2,timeout=0,out-of-memory=1",
         .recorded = true,
         .store = store_retries,
         .show = show_retries},
        {.name = "crash-limit",
         .placeholder = "N",
         .default_text = "3",
         .help = "crashes after which a task is not tried again, whatever --retries says",
         .recorded = true,
         .store = store_crash_limit,
         .show = [](RunOptions const& o) { return std::to_string(o.crash_limit); }},
        {.name = "max-failures",
         .placeholder = "N|P%",
         .default_text = std::string(none),
         .help =
             "stops the run (exit code 75) when more tasks than this have failed: a number, or a share of "
             "the tasks",
         .recorded = true,
         .store = store_max_failures,
         .show = show_max_failures},
        time_option<&RunOptions::task_timeout>(
            "task-timeout", true, "kills a task that takes longer: seconds, 20min, or hours:minutes:seconds"),
        {.name = "task-memory",
         .placeholder = "BYTES",
         .default_text = std::string(none),
         .help =
             "memory that a task may allocate, with a unit such as 512M or 4G; node memory does not count",
         .recorded = true,
         .store = store_task_memory,
         .show =
             [](RunOptions const& o) {
                 return o.task_memory == 0 ? std::string(none) : std::to_string(o.task_memory);
             }},
        time_option<&RunOptions::time_limit>(
            "time-limit", false,
            "ends the run in this time after its start (exit code 75); the end of a Slurm job "
            "counts too"),
        {.name = "grace",
         .placeholder = "TIME",
         .default_text = std::string(automatic),
         .help =
             "time before the limit, or after SIGUSR1, in which no task starts and those at work may end; "
             "auto is 30 s and at most a tenth of the time limit",
         .recorded = true,
         .store = store_grace,
         .show =
             [](RunOptions const& o) {
                 return o.grace ? fmt::format("{}", *o.grace) : std::string(automatic);
             }},
        time_option<&RunOptions::time_request>(
            "time-request", true,
            "how long a task is thought to take until some have been measured: none starts that would not "
            "end in time"),
        {.name = "node-silence",
         .placeholder = "TIME",
         .default_text = "30",
         .help = "says so when nothing has been heard of a node for this time (of several nodes), or none",
         .recorded = true,
         .store = store_node_silence,
         .show =
             [](RunOptions const& o) {
                 return o.node_silence > 0 ? fmt::format("{}", o.node_silence) : std::string(none);
             }},
    };
}

pool::RunLimits run_limits(RunOptions const& options, std::uint64_t start_ns,
                           EnvironmentLookup const& environment) {
    pool::RunLimits limits{.retries = options.retries,
                           .crash_limit = options.crash_limit,
                           .max_failures = options.max_failures,
                           .task_timeout = options.task_timeout,
                           .task_memory = options.task_memory,
                           .grace = options.grace.value_or(default_grace),
                           .time_request = options.time_request,
                           .node_silence = options.node_silence};
    auto left = std::numeric_limits<double>::infinity();
    if (options.time_limit > 0) left = std::max(0.0, options.time_limit - base::seconds_since(start_ns));
    if (auto const job = left_of_slurm_job(environment)) left = std::min(left, *job);
    if (left == std::numeric_limits<double>::infinity()) return limits;
    if (!options.grace) limits.grace = std::min(default_grace, left * default_grace_share);
    limits.end_ns = base::now_ns() + static_cast<std::uint64_t>(std::min(left, 1e9) * 1e9);
    return limits;
}

std::vector<std::string> limit_warnings(RunOptions const& options) {
    std::vector<std::string> warnings;
    if (options.isolation == Isolation::process) return warnings;
    auto const unkept = [&](std::string_view option) {
        warnings.push_back(fmt::format(
            "{} has no effect without isolation, as tasks run in the rank itself; leave --isolation none out",
            option));
    };
    if (options.task_timeout > 0) unkept("--task-timeout");
    if (options.task_memory > 0) unkept("--task-memory");
    return warnings;
}

}  // namespace plenum::app
