#include "app/unfinished_run.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "app/job_registry.hpp"
#include "app/startup.hpp"
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
    FinishedText text{.code = finished.without_result == 0 ? ExitCode::done : ExitCode::tasks_failed};
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
    io::remove_left_overs(path, finished->journal);
    return describe_finished(path, *finished);
}

std::vector<std::string> describe_unfinished(std::string const& path, io::RunIdentity const& identity) {
    std::vector<std::string> lines;
    auto const run = recorded_run(path);
    if (!run || !run->has_results()) return lines;
    if (auto const why = io::difference(run->identity, identity); !why.empty())
        throw io::other_run_error(path, why);
    for (auto const& map : run->maps)
        lines.push_back(fmt::format("map '{}': {} of {} tasks are done already", map.spec.name,
                                    map.done.count(), map.spec.tasks));
    return lines;
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
