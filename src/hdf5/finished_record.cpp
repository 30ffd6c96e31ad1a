// The record of a run as a published file holds it: a table at a time.
#include "hdf5/finished_record.hpp"

#include <algorithm>
#include <utility>

#include "base/crc32c.hpp"
#include "hdf5/columns.hpp"
#include "hdf5/publishing.hpp"

namespace plenum::hdf5 {
namespace {

constexpr std::uint8_t status_done = 0;

/// The words between commas.
std::vector<std::string> parts_of(std::string const& text) {
    std::vector<std::string> parts;
    for (std::size_t at = 0; at < text.size();) {
        auto const end = std::min(text.find(',', at), text.size());
        parts.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return parts;
}

FailureCause cause_of(std::string const& name) {
    for (int i = 1; i <= 16; ++i)
        if (auto const cause = static_cast<FailureCause>(i); name == name_of(cause)) return cause;
    return FailureCause::exception;
}

/// Bytes with their checksum beside them.
std::vector<std::byte> checked_bytes(File const& file, std::string const& path) {
    auto const dataset = call::d_open(file, path.c_str());
    auto bytes = read_rows(dataset, ElementType::u8, 0, extents_of(dataset).at(0));
    if (base::crc32c(bytes) != static_cast<std::uint32_t>(read_number_attribute(dataset, "crc32c")))
        throw io::FieldError();
    return bytes;
}

void read_workers(File const& file, io::StoredRun& run) {
    auto const numbers = [&]<class T>(char const* name, T) {
        return read_column<T>(file, std::string("/workers/") + name);
    };
    auto const hosts = read_strings(file, "/workers/host");
    auto const cores = read_strings(file, "/workers/cores");
    auto const process = numbers("process", std::int32_t{});
    auto const rank = numbers("rank", std::int32_t{}), executors = numbers("executors", std::int32_t{});
    auto const startup = numbers("startup", double{}), init = numbers("init", double{}),
               working = numbers("working", double{}), waiting = numbers("waiting", double{}),
               commit = numbers("commit", double{});
    auto const tasks = numbers("tasks", std::uint64_t{});
    for (std::size_t i = 0; i < rank.size(); ++i)
        run.workers.push_back({.rank = rank[i],
                               .process = static_cast<std::uint32_t>(process.at(i) + 1),
                               .host = hosts.at(i),
                               .cores = cores.at(i),
                               .executors = executors.at(i),
                               .startup = startup.at(i),
                               .init = init.at(i),
                               .working = working.at(i),
                               .waiting = waiting.at(i),
                               .commit = commit.at(i),
                               .tasks = tasks.at(i)});
}

void read_provenance(File const& file, io::StoredRun& run) {
    run.identity = io::decode_identity(checked_bytes(file, "/provenance/identity_record"));
    if (path_exists(file, "/provenance/options_record"))  // files of earlier versions have none
        run.options = io::decode_options(checked_bytes(file, "/provenance/options_record"));
    auto const started = read_strings(file, "/provenance/runs/started");
    auto const hosts = read_strings(file, "/provenance/runs/host");
    auto const builds = read_strings(file, "/provenance/runs/build");
    auto const lines = read_strings(file, "/provenance/runs/command_line");
    auto const ranks = read_strings(file, "/provenance/runs/hosts");
    for (std::size_t i = 0;
         i < std::min({started.size(), hosts.size(), builds.size(), lines.size(), ranks.size()}); ++i)
        run.runs.push_back({.unix_seconds = unix_seconds_of(started[i]),
                            .host = hosts[i],
                            .build = builds[i],
                            .command_line = lines[i],
                            .hosts = parts_of(ranks[i])});
    run.needs_merge = read_number_attribute(call::g_open(file, "/provenance/options"), "needs_merge") != 0;
    read_workers(file, run);
}

void read_status(File const& file, io::MapRecord& map) {
    auto const dataset = call::d_open(file, ("/tasks/" + map.spec.name + "/status").c_str());
    if (extents_of(dataset) != std::vector<std::uint64_t>{map.spec.tasks}) throw io::FieldError();
    for (std::uint64_t begin = 0; begin < map.spec.tasks; begin += rows_at_once) {
        auto const states =
            read_column<std::uint8_t>(dataset, begin, std::min(rows_at_once, map.spec.tasks - begin));
        for (std::size_t at = 0; at < states.size();) {
            auto const same = std::find_if(states.begin() + static_cast<std::ptrdiff_t>(at), states.end(),
                                           [&](std::uint8_t state) { return state != states[at]; });
            auto const end = static_cast<std::size_t>(same - states.begin());
            if (states[at] == status_done) map.done.add(begin + at, end - at);
            at = end;
        }
    }
}

void read_failures(File const& file, io::MapRecord& map) {
    auto const path = "/failures/" + map.spec.name;
    auto const task = read_column<std::uint64_t>(file, path + "/task");
    auto const attempt = read_column<std::int32_t>(file, path + "/attempt");
    auto const rank = read_column<std::int32_t>(file, path + "/rank");
    auto const cause = read_strings(file, path + "/cause");
    auto const message = read_strings(file, path + "/message");
    for (std::size_t i = 0; i < task.size(); ++i) {
        if (task[i] >= map.spec.tasks) throw io::FieldError();
        map.mark_failed({.task = task[i],
                         .attempt = attempt.at(i),
                         .rank = rank.at(i),
                         .cause = cause_of(cause.at(i)),
                         .message = message.at(i)});
    }
    for (auto& [number, attempts] : map.attempts) attempts.has_result = map.done.intersects(number, 1);
}

void read_maps(File const& file, io::StoredRun& run) {
    std::vector<std::pair<std::int64_t, io::MapRecord>> maps;
    for (auto const& name : names_in(file, "/integrity")) {
        auto const path = "/integrity/" + name;
        auto map = io::decode_map(checked_bytes(file, path + "/record"));
        if (map.spec.name != name) throw io::FieldError();
        auto const first = read_column<std::uint64_t>(file, path + "/first");
        auto const count = read_column<std::uint64_t>(file, path + "/count");
        auto const crc = read_column<std::uint32_t>(file, path + "/crc32c");
        if (first.size() != count.size() || first.size() != crc.size()) throw io::FieldError();
        for (std::size_t i = 0; i < first.size(); ++i) {
            if (count[i] > map.spec.tasks || first[i] > map.spec.tasks - count[i]) throw io::FieldError();
            map.segments.push_back({.first = first[i], .count = count[i], .crc = crc[i]});
        }
        read_status(file, map);
        read_failures(file, map);
        maps.emplace_back(read_number_attribute(call::g_open(file, path.c_str()), "number"), std::move(map));
    }
    std::ranges::sort(maps, {}, &std::pair<std::int64_t, io::MapRecord>::first);
    for (auto& [number, map] : maps) run.maps.push_back(std::move(map));
}

void read_printed(File const& file, io::StoredRun& run) {
    auto const maps = read_strings(file, "/printed/map");
    auto const first = read_column<std::uint64_t>(file, "/printed/first");
    auto const count = read_column<std::uint64_t>(file, "/printed/count");
    auto const texts = read_strings(file, "/printed/text");
    for (std::size_t i = 0; i < texts.size(); ++i) {
        auto const map =
            std::ranges::find(run.maps, maps.at(i), [](io::MapRecord const& each) { return each.spec.name; });
        run.printed.push_back(
            {.map = map == run.maps.end() ? -1 : static_cast<std::int32_t>(map - run.maps.begin()),
             .first = first.at(i),
             .count = count.at(i),
             .text = texts[i]});
    }
}

/// Every dataset with a checksum that is no result.
void read_arrays(File const& file, io::StoredRun& run) {
    struct Found {
        std::vector<std::string> paths{};
    } found;
    call::o_visit(
        file,
        [](hid_t, char const* name, H5O_info_t const* info, void* data) -> herr_t {
            std::string const path(name);
            auto& paths = static_cast<Found*>(data)->paths;
            if (info->type == H5O_TYPE_DATASET) paths.push_back(path);
            return 0;
        },
        &found);
    auto const is_array = [&](std::string const& path) {
        for (auto const* const folder :
             {"integrity/", "tasks/", "failures/", "printed/", "provenance/", "workers/"})
            if (path.starts_with(folder)) return false;
        return std::ranges::none_of(run.maps, [&](io::MapRecord const& map) {
            auto const results = "results/" + map.spec.name;
            return path == results || path.starts_with(results + "/");
        });
    };
    for (auto const& path : found.paths) {
        if (!is_array(path)) continue;
        auto const dataset = call::d_open(file, path.c_str());
        if (!call::a_exists(dataset, "crc32c")) continue;
        run.arrays.push_back(
            {.path = path,
             .type = element_type(call::d_type(dataset)),
             .shape = extents_of(dataset),
             .crc = static_cast<std::uint32_t>(read_number_attribute(dataset, "crc32c")),
             .maps = static_cast<std::uint32_t>(read_number_attribute(dataset, maps_before))});
    }
}

}  // namespace

io::StoredRun read_record(File const& file) {
    io::StoredRun run;
    read_provenance(file, run);
    read_maps(file, run);
    read_printed(file, run);
    read_arrays(file, run);
    return run;
}

}  // namespace plenum::hdf5
