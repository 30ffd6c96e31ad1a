// plenum status: how far a run is, from its files alone.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <plenum/error.hpp>
#include <plenum/option_value.hpp>
#include <thread>

#include "app/environment.hpp"
#include "app/file_commands.hpp"
#include "app/progress.hpp"
#include "app/terminal.hpp"
#include "base/units.hpp"
#include "hdf5/open_run.hpp"
#include "hdf5/result_file.hpp"
#include "io/shard.hpp"

namespace plenum::app {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t slowest_shown = 5;

struct MapStatus {
    std::string name;
    std::uint64_t tasks = 0, done = 0, failed = 0;
    [[nodiscard]] std::uint64_t not_run() const { return tasks - done - failed; }
};

struct SlowTask {
    std::string map;
    std::uint64_t task = 0;
    double seconds = 0;
    int rank = 0;
    std::string host;
};

struct Status {
    std::vector<MapStatus> maps;
    std::map<std::string, std::uint64_t> causes;  ///< of tasks that have no result
    std::vector<SlowTask> slowest;
    double tasks_per_second = 0;  ///< the rate (summary.hpp) of the last process of the run; 0: unknown

    [[nodiscard]] std::uint64_t sum(std::uint64_t MapStatus::*member) const {
        std::uint64_t all = 0;
        for (auto const& map : maps) all += map.*member;
        return all;
    }
    [[nodiscard]] std::uint64_t not_run() const {
        return sum(&MapStatus::tasks) - sum(&MapStatus::done) - sum(&MapStatus::failed);
    }
};

void keep_slowest(std::vector<SlowTask>& slowest, SlowTask task) {
    if (slowest.size() == slowest_shown && task.seconds <= slowest.back().seconds) return;
    std::erase_if(slowest,
                  [&](SlowTask const& each) { return each.map == task.map && each.task == task.task; });
    slowest.insert(
        std::ranges::upper_bound(slowest, task.seconds, std::ranges::greater{}, &SlowTask::seconds),
        std::move(task));
    if (slowest.size() > slowest_shown) slowest.pop_back();
}

Status status_of(io::RunReader& reader) {
    Status status;
    auto const& run = reader.run();
    auto const shard = io::shard_of(run.identity);
    double first_start = std::numeric_limits<double>::infinity(), last_end = 0;
    std::uint64_t ended = 0;  // by the last process
    for (std::size_t i = 0; i < run.maps.size(); ++i) {
        auto const& map = run.maps[i];
        MapStatus counts{
            .name = map.spec.name, .tasks = shard.size(map.spec.tasks), .done = map.done.count()};
        std::map<std::uint64_t, FailureCause> last;
        for (auto const& failure : map.failures) last[failure.task] = failure.cause;
        for (auto const& [task, attempts] : map.attempts) {
            if (!attempts.is_failed()) continue;
            ++counts.failed;
            ++status.causes[name_of(last[task])];
        }
        io::IndexRanges of_latest;  // a task may have run several times
        reader.for_each_timing(i, [&](io::StoredTiming const& timing) {
            auto const& row = timing.row;
            keep_slowest(status.slowest, {.map = map.spec.name,
                                          .task = row.first,
                                          .seconds = row.duration / std::max(1u, row.count),
                                          .rank = row.rank,
                                          .host = io::host_of(run, timing)});
            if (timing.process != run.runs.size()) return;
            of_latest.add(row.first, row.count);
            first_start = std::min(first_start, row.start);
            last_end = std::max(last_end, row.start + row.duration);
        });
        ended += of_latest.count();
        status.maps.push_back(std::move(counts));
    }
    if (ended > 0 && last_end > first_start)
        status.tasks_per_second = static_cast<double>(ended) / (last_end - first_start);
    return status;
}

char const* word_for(io::RunState state) {
    switch (state) {
        case io::RunState::finished:
            return "finished";
        case io::RunState::running:
            return "running";
        case io::RunState::interrupted:
            return "interrupted";
    }
    return "unknown";
}

ExitCode code_of(io::StoredRun const& run, Status const& status) {
    if (run.state != io::RunState::finished || status.not_run() > 0) return ExitCode::incomplete;
    return status.sum(&MapStatus::failed) > 0 ? ExitCode::tasks_failed : ExitCode::done;
}

/// Seconds until the tasks that are known are over; 0: nobody knows.
double eta_of(io::StoredRun const& run, Status const& status) {
    bool const is_known = run.state == io::RunState::running && status.tasks_per_second > 0;
    return is_known ? static_cast<double>(status.not_run()) / status.tasks_per_second : 0;
}

std::string local_time(std::int64_t unix_seconds) {
    std::time_t const time = unix_seconds;
    std::tm parts{};
    ::localtime_r(&time, &parts);
    char text[32] = "";
    (void)std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
    return text;
}

std::string status_text(io::StoredRun const& run, Status const& status) {
    std::string text = fmt::format("{}: {}", run.output, word_for(run.state));
    if (run.holder) text += fmt::format(" (process {} on {})", run.holder->pid, run.holder->host);
    if (run.state == io::RunState::interrupted) text += fmt::format("; plenum resume {} goes on", run.output);
    text += '\n';
    auto const row = [&](std::string_view name, std::string_view value) {
        text += fmt::format("  {:<12}{}\n", name, one_line(value, std::string::npos, {}));
    };
    auto const shard = io::shard_of(run.identity);
    if (!run.identity.job.empty())
        row("job", shard.is_part() ? fmt::format("{}, shard {}", run.identity.job, io::text_of(shard))
                                   : run.identity.job);
    if (!run.runs.empty())
        row("begun",
            fmt::format("{}{}", local_time(run.runs.front().unix_seconds),
                        run.runs.size() == 1
                            ? ""
                            : fmt::format(", resumed {}", local_time(run.runs.back().unix_seconds))));
    if (auto const before = hdf5::read_finished_run(run.output);
        before && run.state != io::RunState::finished)
        row("before", fmt::format("{} of {} tasks done; that file stays until this run takes its place",
                                  before->tasks - before->without_result, before->tasks));
    if (run.needs_merge) row("merge", "the job goes on when all shards are merged");
    if (run.maps.empty()) row("tasks", "none yet");
    for (auto const& map : status.maps)
        row("map", fmt::format("{}: {} of {} done, {} failed, {} not run", map.name, map.done, map.tasks,
                               map.failed, map.not_run()));
    if (status.tasks_per_second > 0) row("rate", format_task_rate(status.tasks_per_second));
    if (auto const eta = eta_of(run, status); eta > 0) row("ETA", base::format_duration(eta));
    std::string causes;
    for (auto const& [cause, count] : status.causes)
        causes += fmt::format("{}{} {}", causes.empty() ? "" : ", ", count, cause);
    if (!causes.empty()) row("failures", causes);
    for (auto const& task : status.slowest)
        row("slowest",
            fmt::format("{} task {} of {} on rank {}{}", base::format_duration(task.seconds), task.task,
                        task.map, task.rank, task.host.empty() ? "" : " (" + task.host + ")"));
    return text;
}

std::string status_json(io::StoredRun const& run, Status const& status) {
    Json maps = Json::array();
    for (auto const& map : status.maps)
        maps.push_back({{"name", map.name},
                        {"tasks", map.tasks},
                        {"done", map.done},
                        {"failed", map.failed},
                        {"not_run", map.not_run()}});
    Json slowest = Json::array();
    for (auto const& task : status.slowest)
        slowest.push_back({{"map", task.map},
                           {"task", task.task},
                           {"seconds", task.seconds},
                           {"rank", task.rank},
                           {"host", task.host}});
    auto const figure = [](double value) { return value > 0 ? Json(value) : Json(); };
    Json json{{"file", run.output},
              {"state", word_for(run.state)},
              {"job", run.identity.job},
              {"shard", io::text_of(io::shard_of(run.identity))},
              {"processes", run.runs.size()},
              {"maps", std::move(maps)},
              {"tasks_per_second", figure(status.tasks_per_second)},
              {"eta_seconds", figure(eta_of(run, status))},
              {"failures", status.causes},
              {"slowest", std::move(slowest)}};
    if (run.holder) json["process"] = {{"pid", run.holder->pid}, {"host", run.holder->host}};
    return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace

int run_status(FileRequest const& request) {
    bool const watches = request.has("watch");
    auto const pause = watches ? parse_option<double>(request.value("watch"), "--watch") : 0;
    if (watches && !(pause >= 0.1 && pause <= 86400))
        throw UsageError(fmt::format("--watch: '{}' is out of range; write seconds from 0.1 to 86400",
                                     request.value("watch")));
    bool const clears = watches && is_terminal(STDOUT_FILENO, process_environment());
    for (;;) {
        auto const reader = hdf5::open_run(request.files.front(), hdf5::Prefer::latest);
        auto const& run = reader->run();
        auto const status = status_of(*reader);
        auto const text = request.has("exit-code")                 ? ""
                          : request.value("output-mode") == "json" ? status_json(run, status)
                                                                   : status_text(run, status);
        write_all(STDOUT_FILENO, (clears ? "\033[H\033[2J" : "") + text);
        if (!watches || run.state != io::RunState::running)
            return request.has("exit-code") ? static_cast<int>(code_of(run, status)) : 0;
        std::this_thread::sleep_for(std::chrono::duration<double>(pause));
    }
}

}  // namespace plenum::app
