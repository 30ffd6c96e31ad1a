// plenum merge: the files of the shards of one run become one file.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <plenum/error.hpp>
#include <plenum/version.hpp>

#include "app/file_commands.hpp"
#include "app/terminal.hpp"
#include "hdf5/open_run.hpp"
#include "hdf5/result_file.hpp"
#include "io/copy_run.hpp"
#include "io/recorded_run.hpp"
#include "io/shard.hpp"

namespace plenum::app {
namespace {

using Reader = std::unique_ptr<io::RunReader>;

/// The shards by their number. Throws what is wrong with them.
std::map<std::uint64_t, Reader> open_shards(std::vector<std::string> const& files) {
    std::map<std::uint64_t, Reader> shards;
    io::Shard first;
    for (auto const& file : files) {
        auto reader = hdf5::open_run(file, hdf5::Prefer::finished);
        auto const& run = reader->run();
        auto const shard = io::shard_of(run.identity);
        if (run.state != io::RunState::finished)
            throw UsageError(
                fmt::format("{}: its run has not ended; finish it with plenum resume {}", file, run.output));
        if (!shard.is_part())
            throw UsageError(
                fmt::format("{}: is no shard (it was made without --shard); leave it out", file));
        if (auto const report = reader->check(); !report.damage.empty())
            throw EnvironmentError(fmt::format("{}: is damaged; plenum validate {} says where", file, file));
        if (shards.empty()) first = shard;
        auto const& reference = shards.empty() ? run : shards.begin()->second->run();
        auto why = io::difference(io::without_shard(reference.identity), io::without_shard(run.identity));
        if (why.empty() && shard.count != first.count)
            why = fmt::format("it is shard {}, the other {}", io::text_of(shard), io::text_of(first));
        if (!why.empty())
            throw UsageError(fmt::format("{}: is a shard of another run than {} ({}); merge those of one run",
                                         file, reference.file, why));
        auto const [place, is_new] = shards.try_emplace(shard.index, std::move(reader));
        if (!is_new)
            throw UsageError(fmt::format("{} and {} are the same shard {}; leave one out",
                                         place->second->run().file, file, io::text_of(shard)));
    }
    return shards;
}

void require_all(std::map<std::uint64_t, Reader> const& shards) {
    auto const& run = shards.begin()->second->run();
    auto const count = io::shard_of(run.identity).count;
    std::string missing;
    for (std::uint64_t i = 0; i < count && missing.size() < 200; ++i)
        if (!shards.contains(i)) missing += fmt::format("{}{}/{}", missing.empty() ? "" : ", ", i, count);
    if (!missing.empty())
        throw UsageError(fmt::format(
            "shards are missing: {}; add their files, or leave their tasks out with --allow-missing",
            missing));
}

/// Throws UsageError unless their maps have the same inputs.
void require_same_maps(std::map<std::uint64_t, Reader> const& shards) {
    auto const& reference = shards.begin()->second->run();
    for (auto const& [index, reader] : shards) {
        auto const& maps = reader->run().maps;
        auto why = maps.size() == reference.maps.size() ? "" : std::string("it has others");
        for (std::size_t i = 0; why.empty() && i < maps.size(); ++i) {
            auto const& spec = reference.maps[i].spec;
            auto const difference = io::difference(spec, maps[i].spec);
            if (maps[i].spec.name != spec.name || !difference.empty())
                why = fmt::format("map '{}': {}", spec.name,
                                  difference.empty() ? "it has another name" : difference);
        }
        if (!why.empty())
            throw UsageError(fmt::format(
                "{}: its maps do not fit those of {} ({}); compute both with the same inputs and program",
                reader->run().file, reference.file, why));
    }
}

/// Arrays that all shards agree on. False: one of them is not there in all shards, or not the same.
bool copy_arrays(std::map<std::uint64_t, Reader> const& shards, std::size_t maps, io::ResultSink& to) {
    bool all_agree = true;
    auto& first = *shards.begin()->second;
    for (std::size_t i = 0; i < first.run().arrays.size(); ++i) {
        auto const& array = first.run().arrays[i];
        if (array.maps != maps) continue;
        bool const agrees = std::ranges::all_of(shards, [&](auto const& shard) {
            auto const& arrays = shard.second->run().arrays;
            auto const other = std::ranges::find(arrays, array.path, &io::ArrayRecord::path);
            return other != arrays.end() && other->crc == array.crc && other->shape == array.shape;
        });
        all_agree = agrees && io::copy_array(first, i, to) && all_agree;
    }
    return all_agree;
}

io::Provenance provenance_of(std::map<std::uint64_t, Reader> const& shards, io::RunIdentity const& identity,
                             io::ResultSink const& sink) {
    io::Provenance provenance{.job = identity.job, .command_line = identity.command_line};
    for (auto const& option : identity.options) provenance.options.push_back({option.name, option.value});
    provenance.options.push_back({"seed", static_cast<std::int64_t>(identity.seed)});
    provenance.options.push_back({"shards", static_cast<std::int64_t>(shards.size())});
    for (auto const& [index, reader] : shards) {
        auto const numbers = sink.process_numbers(reader->run().runs);
        for (auto worker : reader->run().workers) {
            worker.process = numbers.at(worker.process - 1);
            provenance.workers.push_back(std::move(worker));
        }
    }
    return provenance;
}

}  // namespace

int run_merge(FileRequest const& request) {
    if (!request.has("output"))
        throw UsageError("merge: the name of the new file is missing; write plenum merge FILE... -o FILE");
    auto const output = request.value("output");
    auto const shards = open_shards(request.files);
    if (!request.has("allow-missing")) require_all(shards);
    require_same_maps(shards);

    auto const& reference = shards.begin()->second->run();
    auto const identity = io::without_shard(reference.identity);
    std::vector<io::RunRecord> earlier;
    for (auto const& [index, reader] : shards)
        earlier.insert(earlier.end(), reader->run().runs.begin(), reader->run().runs.end());
    auto const sink = hdf5::create_result_file(
        {.path = output,
         .identity = identity,
         .run_options = reference.options,
         .version = version,
         .git = git_revision,
         .earlier = earlier,
         .say = [](std::string const& line) { write_all(STDERR_FILENO, "plenum: " + line + "\n"); }});
    auto printed = io::printed_by_no_task(sink->printed());
    std::uint64_t tasks = 0, done = 0, failed = 0;
    // In the order of the job: a map may have an array that stands there already for a scale.
    bool arrays_agree = true;
    for (std::size_t number = 0; number < reference.maps.size(); ++number) {
        arrays_agree = copy_arrays(shards, number, *sink) && arrays_agree;
        auto const& spec = reference.maps[number].spec;
        auto const id = sink->begin_map(spec);
        tasks += spec.tasks;
        for (auto const& [index, reader] : shards) {
            auto const& map = reader->run().maps[number];
            (void)io::copy_map(*reader, number, *sink, id);
            (void)sink->commit_if_due();
            done += map.done.count();
            for (auto const& [task, attempts] : map.attempts) failed += attempts.is_failed() ? 1 : 0;
        }
        sink->end_map(id);
    }
    for (auto const& [index, reader] : shards) io::copy_printed(*reader, *sink, printed);
    arrays_agree = copy_arrays(shards, reference.maps.size(), *sink) && arrays_agree;
    bool const needs_job = !arrays_agree || std::ranges::any_of(shards, [](auto const& shard) {
        return shard.second->run().needs_merge;
    });
    auto const counts =
        fmt::format("{} of {} tasks done, {} failed, {} not run", done, tasks, failed, tasks - done - failed);
    if (needs_job || done + failed < tasks) {
        sink->commit();
        (void)sink->leave(true);
        write_all(STDOUT_FILENO,
                  fmt::format("{}: {}; plenum resume {} {}\n", output, counts, output,
                              needs_job ? "does what the job has to do with all results" : "runs them"));
        return static_cast<int>(ExitCode::incomplete);
    }
    sink->publish(provenance_of(shards, identity, *sink));
    write_all(STDOUT_FILENO, fmt::format("{}: {}\n", output, counts));
    return static_cast<int>(failed > 0 ? ExitCode::tasks_failed : ExitCode::done);
}

}  // namespace plenum::app
