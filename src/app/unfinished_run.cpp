#include "app/unfinished_run.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>

#include "app/job_registry.hpp"
#include "app/startup.hpp"
#include "base/units.hpp"
#include "hdf5/open_run.hpp"
#include "hdf5/result_file.hpp"
#include "io/journal_format.hpp"
#include "io/recorded_run.hpp"
#include "io/run_files.hpp"

namespace plenum::app {
namespace {

std::optional<io::RecordedRun> recorded_run(std::string const& path) {
    auto const journal = io::journal_path_of(path);
    if (::access(journal.c_str(), F_OK) != 0) return std::nullopt;
    return io::read_journal(journal);
}

/// Another run than that of the finished file, with results.
std::optional<io::RecordedRun> unfinished_beside(std::string const& path, hdf5::FinishedRun const& finished) {
    auto recorded = recorded_run(path);
    if (!recorded || !recorded->has_results() || recorded->end.id == finished.journal) return std::nullopt;
    return recorded;
}

FinishedText describe_finished(std::string const& path, hdf5::FinishedRun const& finished) {
    FinishedText text{.code = finished.without_result == 0 ? ExitCode::done : ExitCode::tasks_failed,
                      .journal = finished.journal};
    auto const unfinished = unfinished_beside(path, finished);
    text.goes_on = unfinished && io::fingerprint(unfinished->identity) == finished.fingerprint;
    text.text = finished.without_result == 0 ? fmt::format("{} is complete ({} tasks)", path, finished.tasks)
                                             : fmt::format("{} is complete, {} of {} tasks have no result",
                                                           path, finished.without_result, finished.tasks);
    if (text.goes_on)
        text.text +=
            fmt::format("; a run that was to replace it was interrupted: plenum resume {} goes on", path);
    else if (finished.without_result == 0)
        text.text += "; nothing to do (plenum run with --force computes it anew)";
    else
        text.text += "; --retry-failed runs them again";
    return text;
}

/// What the run was begun with becomes what is asked for.
LookedUp take_identity(Command& command, RunOptions& options, io::RunIdentity const& identity,
                       std::vector<io::RecordedOption> recorded) {
    if (JobRegistry::global().find(identity.job) == nullptr)
        throw UsageError(
            fmt::format("{}: was begun by job '{}', which this program does not have; use the one "
                        "that began it",
                        options.output, identity.job));
    command.job = identity.job;
    for (auto const& option : io::without_shard(identity).options) {
        command.job_options[option.name] = option.value;
        if (option.given) command.given_job_options.insert(option.name);
    }
    options.seed = identity.seed;
    options.shard = io::shard_of(identity);
    LookedUp found{.job = identity.job, .options = std::move(recorded), .fixed = {"seed"}};
    if (options.shard.is_part()) found.fixed.emplace_back("shard");
    return found;
}

}  // namespace

io::RunIdentity identity_of(Command const& command, RunOptions const& run, std::string const& command_line) {
    io::RunIdentity identity{.job = command.job,
                             .options = {},
                             .seed = run.seed,
                             .build = program_id(),
                             .command_line = command_line};
    for (auto const& [name, value] : command.job_options)
        identity.options.push_back(
            {.name = name, .value = value, .given = command.given_job_options.contains(name)});
    io::put_shard(identity, run.shard);
    return identity;
}

std::optional<FinishedText> find_finished(std::string const& path, io::RunIdentity const& identity) {
    hdf5::refuse_other_format(path);
    auto const finished = hdf5::read_finished_run(path);
    if (!finished || finished->fingerprint != io::fingerprint(identity)) return std::nullopt;
    return describe_finished(path, *finished);
}

std::map<std::string, TasksOver> tasks_over(RunOptions const& options, io::RunIdentity const& identity) {
    auto const& path = options.output;
    auto const finished = hdf5::read_finished_run(path);
    auto const recorded = options.restart ? std::nullopt
                          : finished      ? unfinished_beside(path, *finished)
                                          : recorded_run(path);
    std::vector<io::MapRecord> maps;
    if (recorded && recorded->has_results()) {
        if (auto const why = io::difference(recorded->identity, identity); !why.empty())
            throw io::other_run_error(path, why);
        maps = recorded->maps;
    } else if (finished && options.retry_failed && !options.force) {
        maps = hdf5::read_finished(path)->run().maps;
    }
    std::map<std::string, TasksOver> over;
    for (auto& map : maps) {
        if (options.retry_failed) map.retry_failed();
        auto const failed =
            std::ranges::count_if(map.attempts, [](auto const& each) { return each.second.is_failed(); });
        over[map.spec.name] = {.done = map.done.count(), .failed = static_cast<std::uint64_t>(failed)};
    }
    return over;
}

std::string describe_plan(detail::ResultMap const& map, std::uint64_t tasks, TasksOver const& over,
                          io::Shard const& shard) {
    auto const of_others = tasks - shard.size(tasks);
    std::vector<std::string> left_out;
    for (auto const& [count, why] :
         {std::pair{over.done, "done"}, {over.failed, "failed"}, {of_others, "of other shards"}})
        if (count > 0) left_out.push_back(fmt::format("{} {}", count, why));
    auto const all_over = over.done + over.failed + of_others;
    auto const counts =
        left_out.empty() ? fmt::format("{} tasks of map '{}'", tasks, map.name)
                         : fmt::format("{} of {} tasks of map '{}' ({})", tasks - std::min(tasks, all_over),
                                       tasks, map.name, fmt::join(left_out, ", "));
    if (!map.fixed)
        return fmt::format("would run {}: results of {} of varying length", counts, name_of(map.type));
    auto const extents = map.shape.empty() ? "" : fmt::format(" x {}", fmt::join(map.shape, " x "));
    return fmt::format("would run {}: results of {}{}, {} in all", counts, name_of(map.type), extents,
                       base::format_bytes(count_of(map.shape) * size_of(map.type) * tasks));
}

LookedUp take_unfinished(Command& command, RunOptions& options) {
    auto const& path = options.output;
    auto const finished = hdf5::read_finished_run(path);
    auto const recorded = finished ? unfinished_beside(path, *finished) : recorded_run(path);
    if (!recorded || recorded->identity.job.empty()) {
        if (finished) {
            auto const text = describe_finished(path, *finished);
            throw Error(text.code, text.text);
        }
        hdf5::refuse_other_format(path);
        throw UsageError(
            fmt::format("{}: there is no unfinished run of it with results; give the name that stood behind "
                        "-o, or begin with plenum run",
                        path));
    }
    return take_identity(command, options, recorded->identity, recorded->options);
}

LookedUp take_failed(Command& command, RunOptions& options) {
    auto const reader = hdf5::open_run(options.output, hdf5::Prefer::finished);
    auto const& run = reader->run();
    bool const has_failed = std::ranges::any_of(run.maps, [](io::MapRecord const& map) {
        return std::ranges::any_of(map.attempts, [](auto const& each) { return each.second.is_failed(); });
    });
    if (run.state == io::RunState::finished && !has_failed)
        throw Error(ExitCode::done,
                    fmt::format("{}: no task of it has failed; there is nothing to retry", run.file));
    options.output = run.output;
    options.retry_failed = true;
    return take_identity(command, options, run.identity, run.options);
}

}  // namespace plenum::app
