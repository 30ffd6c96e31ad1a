// How a run goes on with what earlier processes have left.
#include <fmt/format.h>

#include <algorithm>
#include <plenum/error.hpp>
#include <utility>

#include "hdf5/open_run.hpp"
#include "hdf5/result_writer.hpp"
#include "io/copy_run.hpp"
#include "io/partial_contents.hpp"

namespace plenum::hdf5 {

io::EarlierResults ResultWriter::earlier_results(io::MapId id) const {
    auto const& map = known_map(id);
    auto earlier = io::earlier_results(map);
    if (auto const found = quarantined_.find(id); found != quarantined_.end())
        earlier.quarantined = found->second;
    std::set<std::uint64_t> at_death;
    for (auto const& death : files_.deaths())
        if (is_of(death, id) && !map.done.intersects(death.task, 1)) at_death.insert(death.task);
    earlier.at_death.assign(at_death.begin(), at_death.end());
    return earlier;
}

void ResultWriter::take_over() {
    if (options_.take_from.empty() || taking_over_) return;
    taking_over_ = true;
    auto const reader = read_finished(options_.take_from);
    auto& source = *reader;
    std::uint64_t damaged = 0;
    // In the order of the job: a map may have an array that stands there already for a scale.
    auto const copy_arrays = [&](std::size_t maps) {
        for (std::size_t i = 0; i < source.run().arrays.size(); ++i)
            if (source.run().arrays[i].maps == maps && !io::copy_array(source, i, *this))
                throw EnvironmentError(
                    fmt::format("{}: array {} does not have its checksum; restore the file from a copy, or "
                                "compute all anew with --force",
                                options_.take_from, source.run().arrays[i].path));
    };
    for (std::size_t i = 0; i < source.run().maps.size(); ++i) {
        copy_arrays(i);
        auto const id = begin_map(source.run().maps[i].spec);
        damaged += io::copy_map(source, i, *this, id);
    }
    copy_arrays(source.run().maps.size());
    std::vector<io::Printed> none;
    io::copy_printed(source, *this, none);
    if (options_.say && damaged > 0)
        options_.say(fmt::format(
            "warning: {} results in {} are damaged (their checksums are wrong) and are computed again",
            damaged, options_.take_from));
    retry_failed();
    taking_over_ = false;
    commit();
    // The job begins with what an earlier process might have left.
    for (auto& map : maps_) map.begun = map.ended = false;
    arrays_begun_.clear();
    bytes_written_ = 0;
    options_.take_from.clear();
}

void ResultWriter::retry_failed() {
    for (auto& map : maps_) map.retry_failed();
    journal_.append(io::RecordKind::retry, {});
    start_clock();
}

io::MapId ResultWriter::resume_map(std::size_t id, io::MapSpec const& spec) {
    auto& map = maps_[id];
    if (auto const why = io::difference(map.spec, spec); !why.empty())
        throw UsageError(
            fmt::format("{}: map '{}' cannot go on ({}); use the same inputs and program, another file "
                        "with -o, or --restart",
                        options_.path, spec.name, why));
    map.begun = true;
    if (!spec.packed && !map.packed.empty()) reserve(map);  // from here on they come as they are
    discard_damaged(id);
    note_deaths(id);
    return static_cast<io::MapId>(id);
}

void ResultWriter::discard_damaged(std::size_t id) {
    auto& map = maps_[id];
    auto const tasks = io::discard_damaged(map, static_cast<std::uint32_t>(id), partial_, journal_);
    if (tasks == 0) return;
    io::mark_outdated(arrays_, id);
    start_clock();
    commit();
    if (options_.say)
        options_.say(
            fmt::format("warning: {} results of map '{}' in {} are damaged (their checksums are wrong) and "
                        "are computed again",
                        tasks, map.spec.name, partial_.partial_path()));
}

bool ResultWriter::is_of(io::Death const& death, io::MapId id) const {
    return death.map == static_cast<std::uint32_t>(id) && death.task < known_map(id).spec.tasks;
}

void ResultWriter::note_deaths(std::size_t id) {
    bool any = false;
    for (auto const& death : files_.deaths()) {
        auto const& map = maps_[id];
        if (!is_of(death, static_cast<io::MapId>(id)) || map.done.intersects(death.task, 1)) continue;
        auto message = io::describe(death);
        if (std::ranges::any_of(map.failures, [&](io::Failure const& known) {
                return known.task == death.task && known.message.starts_with(message);
            }))
            continue;
        auto& given_up = quarantined_[static_cast<io::MapId>(id)];
        bool is_last = std::ranges::count(given_up, death.task) > 0;
        if (auto const crashes = map.crashes(death.task) + 1; !is_last && crashes >= options_.crash_limit) {
            is_last = true;
            message += fmt::format(" (quarantined after {} crashes)", crashes);
            given_up.push_back(death.task);
        }
        put_failure(static_cast<io::MapId>(id), {.task = death.task,
                                                 .rank = death.rank,
                                                 .cause = FailureCause::crash,
                                                 .message = std::move(message),
                                                 .retried = !is_last});
        any = true;
    }
    if (any) commit();
}

}  // namespace plenum::hdf5
