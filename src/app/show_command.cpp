// plenum show: everything that is known about one task.
#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <plenum/error.hpp>
#include <plenum/option_value.hpp>
#include <sstream>

#include "app/element_text.hpp"
#include "app/file_commands.hpp"
#include "app/task_table.hpp"
#include "app/terminal.hpp"
#include "base/units.hpp"
#include "hdf5/open_run.hpp"
#include "io/printed_log.hpp"

namespace plenum::app {
namespace {

using Json = nlohmann::ordered_json;

struct Shown {
    std::string map;
    std::uint64_t task = 0;
    TaskStatus status = TaskStatus::not_run;
    int attempts = 0;
    std::optional<io::StoredTiming> timing{};
    std::string host{};      ///< empty: unknown
    bool is_latest = false;  ///< the last process of the run ran it
    std::vector<io::Failure> failures{};
    std::vector<std::string> printed{};
    std::vector<std::pair<io::Scale const*, double>> inputs{};
    std::string result{};  ///< in words; empty: none
};

/// Its lines; where several short tasks may have printed one, that stands in front of it.
std::vector<std::string> printed_by(io::StoredRun const& run, std::size_t map, std::uint64_t task) {
    std::vector<std::string> lines;
    for (auto const& printed : run.printed) {
        if (printed.map != static_cast<std::int32_t>(map) || printed.first > task ||
            task - printed.first >= printed.count)
            continue;
        std::istringstream text(printed.text);
        for (std::string line; std::getline(text, line);)
            lines.push_back(printed.count == 1 ? line : io::prefix_of(printed.first, printed.count) + line);
    }
    return lines;
}

Shown look_up(io::RunReader& reader, std::size_t number, std::uint64_t task) {
    auto const& run = reader.run();
    auto const& map = run.maps.at(number);
    if (task >= map.spec.tasks)
        throw UsageError(fmt::format("--task: map '{}' has tasks 0 to {}, not {}; write one of them",
                                     map.spec.name, map.spec.tasks - 1, task));
    Shown shown{.map = map.spec.name,
                .task = task,
                .status = status_of(map, task),
                .attempts = attempts_of(map, task)};
    reader.for_each_timing(number, [&](io::StoredTiming const& timing) {
        if (timing.row.first <= task && task - timing.row.first < timing.row.count) shown.timing = timing;
    });
    if (shown.timing) {
        shown.host = io::host_of(run, *shown.timing);
        shown.is_latest = shown.timing->process == run.runs.size();
    }
    for (auto const& failure : map.failures)
        if (failure.task == task) shown.failures.push_back(failure);
    shown.printed = printed_by(run, number, task);
    for (auto const& scale : map.spec.scales)
        if (scale.dimension == 0 && task < scale.values.size())
            shown.inputs.emplace_back(&scale, scale.values[task]);
    if (shown.status == TaskStatus::done)
        shown.result = describe_elements(
            map.spec.type, map.spec.fixed ? reader.fixed(number, task, 1) : reader.ragged(number, task));
    return shown;
}

std::string shown_text(Shown const& shown) {
    std::string text = fmt::format("task {} of {}: {}\n", shown.task, shown.map, app::name_of(shown.status));
    auto const row = [&](std::string_view name, std::string_view value) {
        text += fmt::format("  {:<12}{}\n", name, one_line(value, std::string::npos, {}));
    };
    row("attempts", std::to_string(shown.attempts));
    if (shown.timing) {
        auto const& timing = shown.timing->row;
        row("ran", fmt::format("for {}{} on rank {}{}{}",
                               base::format_duration(timing.duration / std::max(1u, timing.count)),
                               timing.count == 1 ? "" : fmt::format(" (mean of {} tasks)", timing.count),
                               timing.rank, shown.host.empty() ? "" : " (" + shown.host + ")",
                               shown.is_latest ? fmt::format(", from {} of the run on",
                                                             base::format_duration(timing.start))
                                               : ", before the run was resumed"));
        if (timing.peak_rss > 0)
            row("memory", fmt::format("at most {}", base::format_bytes(timing.peak_rss)));
    }
    for (auto const& failure : shown.failures)
        row("failure", fmt::format("attempt {} on rank {}: {}: {}", failure.attempt, failure.rank,
                                   plenum::name_of(failure.cause), failure.message));
    for (auto const& [scale, value] : shown.inputs)
        row("input",
            fmt::format("{} = {}{}", scale->name, value, scale->units.empty() ? "" : " " + scale->units));
    if (!shown.result.empty()) row("result", shown.result);
    for (auto const& line : shown.printed) row("printed", line);
    return text;
}

std::string shown_json(Shown const& shown) {
    Json failures = Json::array(), inputs = Json::object();
    for (auto const& failure : shown.failures)
        failures.push_back({{"attempt", failure.attempt},
                            {"rank", failure.rank},
                            {"cause", plenum::name_of(failure.cause)},
                            {"message", failure.message}});
    for (auto const& [scale, value] : shown.inputs) inputs[scale->name] = value;
    Json json{{"map", shown.map},
              {"task", shown.task},
              {"status", app::name_of(shown.status)},
              {"attempts", shown.attempts},
              {"failures", std::move(failures)},
              {"inputs", std::move(inputs)},
              {"result", shown.result.empty() ? Json() : Json(shown.result)},
              {"printed", shown.printed}};
    if (shown.timing)
        json["ran"] = {{"rank", shown.timing->row.rank},
                       {"host", shown.host},
                       {"start", shown.timing->row.start},
                       {"seconds", shown.timing->row.duration / std::max(1u, shown.timing->row.count)},
                       {"peak_rss", shown.timing->row.peak_rss}};
    return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace

int run_show(FileRequest const& request) {
    if (!request.has("task")) throw UsageError("show: the task is missing; write plenum show FILE --task N");
    auto const task = parse_option<std::uint64_t>(request.value("task"), "--task");
    auto const reader = hdf5::open_run(request.files.front(), hdf5::Prefer::finished);
    auto const shown = look_up(*reader, find_map(reader->run(), request.value("map")), task);
    write_all(STDOUT_FILENO, request.value("output-mode") == "json" ? shown_json(shown) : shown_text(shown));
    return 0;
}

}  // namespace plenum::app
