// Reads a published file back: the tables as records, results by parts.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <plenum/error.hpp>

#include "base/crc32c.hpp"
#include "hdf5/columns.hpp"
#include "hdf5/file.hpp"
#include "hdf5/open_run.hpp"
#include "hdf5/publishing.hpp"

namespace plenum::hdf5 {
namespace {

constexpr std::uint64_t rows_at_once = 1 << 18;
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

/// Turns what HDF5 says into a line that names the file.
template <class Use>
auto naming(std::string const& path, Use&& use) {
    try {
        return use();
    } catch (CallError const& error) {
        throw EnvironmentError(fmt::format("{}: cannot be read ({}); it is damaged: restore it from a copy",
                                           path, error.what()));
    } catch (io::FieldError const&) {
        throw EnvironmentError(fmt::format(
            "{}: its record of a map is not what it should be; it is damaged: restore it from a copy", path));
    }
}

class FinishedReader final : public io::RunReader {
public:
    explicit FinishedReader(std::string const& path) : file_(open(path)) {
        run_.state = io::RunState::finished;
        run_.file = path;
        run_.output = path;
        naming(path, [&] {
            check_format();
            read_provenance();
            read_maps();
            read_printed();
            read_arrays();
        });
    }

    void for_each_timing(std::size_t map,
                         std::function<void(io::StoredTiming const&)> const& visit) override {
        naming(run_.file, [&] {
            auto const path = "/tasks/" + run_.maps.at(map).spec.name;
            if (path_exists(file_, path + "/chunks"))
                visit_timing(path + "/chunks", true, visit);
            else
                visit_timing(path, false, visit);
        });
    }

    std::vector<std::byte> fixed(std::size_t map, std::uint64_t first, std::uint64_t count) override {
        return naming(run_.file, [&] {
            auto const& record = run_.maps.at(map);
            auto const dataset = call::d_open(file_, ("/results/" + record.spec.name).c_str());
            auto bytes = read_rows(dataset, record.spec.type, first, count);
            if (bytes.size() != count * record.result_bytes)
                throw CallError("its results have another shape than its record says");
            return bytes;
        });
    }

    std::vector<std::byte> ragged(std::size_t map, std::uint64_t task) override {
        return naming(run_.file, [&] {
            auto const& spec = run_.maps.at(map).spec;
            auto const group = call::g_open(file_, ("/results/" + spec.name).c_str());
            auto const offsets = read_column<std::uint64_t>(call::d_open(group, "offsets"), task, 2);
            return values(group, spec.type, offsets[0], offsets[1]);
        });
    }

    RaggedBlock ragged_block(std::size_t map, std::uint64_t first, std::uint64_t count) override {
        return naming(run_.file, [&] {
            auto const& spec = run_.maps.at(map).spec;
            auto const group = call::g_open(file_, ("/results/" + spec.name).c_str());
            auto offsets = read_column<std::uint64_t>(call::d_open(group, "offsets"), first, count + 1);
            RaggedBlock block{.values = values(group, spec.type, offsets.front(), offsets.back())};
            for (std::size_t i = 0; i < count; ++i) {
                if (offsets[i + 1] < offsets[i]) throw CallError("its offsets go back");
                block.lengths.push_back(offsets[i + 1] - offsets[i]);
            }
            return block;
        });
    }

    std::vector<std::byte> array(std::size_t number) override {
        return naming(run_.file, [&] {
            auto const& record = run_.arrays.at(number);
            auto const dataset = call::d_open(file_, record.path.c_str());
            std::vector<std::byte> bytes(count_of(record.shape) * size_of(record.type));
            if (!bytes.empty()) call::d_read(dataset, native_type(record.type), bytes.data());
            return bytes;
        });
    }

    std::vector<io::Attribute> array_attributes(std::size_t number) override {
        return naming(run_.file, [&] {
            auto const dataset = call::d_open(file_, run_.arrays.at(number).path.c_str());
            auto attributes = read_attributes(dataset);
            std::erase_if(attributes, [](io::Attribute const& each) {
                return each.name == "crc32c" || each.name == maps_before;
            });
            return attributes;
        });
    }

private:
    static File open(std::string const& path) {
        struct stat status {};
        if (::stat(path.c_str(), &status) != 0 || ::access(path.c_str(), R_OK) != 0)
            throw EnvironmentError(
                fmt::format("{}: cannot be read ({}); check the file name", path, std::strerror(errno)));
        LibraryLock const lock;
        bool is_hdf5 = false;
        try {
            is_hdf5 = call::f_is_hdf5(path.c_str());
        } catch (CallError const&) {
            // Short files are errors to HDF5.
        }
        if (!is_hdf5)
            throw EnvironmentError(
                fmt::format("{}: is no HDF5 file; give one that plenum has written", path));
        return naming(path, [&] { return File(path, FileMode::read); });
    }

    void check_format() {
        auto const root = call::g_open(file_, "/");
        if (read_text_attribute(root, "format") != "plenum")
            throw EnvironmentError(
                fmt::format("{}: was not written by plenum; give a file that it has written", run_.file));
        auto const version = read_number_attribute(root, "format_version");
        if (version != format_version)
            throw EnvironmentError(fmt::format(
                "{}: its format is version {}, this Plenum knows {}; use the Plenum that wrote it", run_.file,
                version, format_version));
        if (!path_exists(file_, "/provenance/identity_record"))
            throw EnvironmentError(
                fmt::format("{}: its run has not ended, and its journal is gone; run it again", run_.file));
    }

    /// Bytes with their checksum beside them.
    std::vector<std::byte> checked_bytes(std::string const& path) {
        auto const dataset = call::d_open(file_, path.c_str());
        auto bytes = read_rows(dataset, ElementType::u8, 0, extents_of(dataset).at(0));
        if (base::crc32c(bytes) != static_cast<std::uint32_t>(read_number_attribute(dataset, "crc32c")))
            throw io::FieldError();
        return bytes;
    }

    void read_provenance() {
        run_.identity = io::decode_identity(checked_bytes("/provenance/identity_record"));
        if (path_exists(file_, "/provenance/options_record"))  // files of earlier versions have none
            run_.options = io::decode_options(checked_bytes("/provenance/options_record"));
        auto const started = read_strings(file_, "/provenance/runs/started");
        auto const hosts = read_strings(file_, "/provenance/runs/host");
        auto const builds = read_strings(file_, "/provenance/runs/build");
        auto const lines = read_strings(file_, "/provenance/runs/command_line");
        auto const ranks = read_strings(file_, "/provenance/runs/hosts");
        for (std::size_t i = 0;
             i < std::min({started.size(), hosts.size(), builds.size(), lines.size(), ranks.size()}); ++i)
            run_.runs.push_back({.unix_seconds = unix_seconds_of(started[i]),
                                 .host = hosts[i],
                                 .build = builds[i],
                                 .command_line = lines[i],
                                 .hosts = parts_of(ranks[i])});
        run_.needs_merge =
            read_number_attribute(call::g_open(file_, "/provenance/options"), "needs_merge") != 0;
        read_workers();
    }

    void read_workers() {
        auto const numbers = [&]<class T>(char const* name, T) {
            return read_column<T>(file_, std::string("/workers/") + name);
        };
        auto const hosts = read_strings(file_, "/workers/host");
        auto const cores = read_strings(file_, "/workers/cores");
        auto const process = numbers("process", std::int32_t{});
        auto const rank = numbers("rank", std::int32_t{}), executors = numbers("executors", std::int32_t{});
        auto const startup = numbers("startup", double{}), init = numbers("init", double{}),
                   working = numbers("working", double{}), waiting = numbers("waiting", double{}),
                   commit = numbers("commit", double{});
        auto const tasks = numbers("tasks", std::uint64_t{});
        for (std::size_t i = 0; i < rank.size(); ++i)
            run_.workers.push_back({.rank = rank[i],
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

    void read_maps() {
        std::vector<std::pair<std::int64_t, io::MapRecord>> maps;
        for (auto const& name : names_in(file_, "/integrity")) {
            auto const path = "/integrity/" + name;
            auto map = io::decode_map(checked_bytes(path + "/record"));
            if (map.spec.name != name) throw io::FieldError();
            auto const first = read_column<std::uint64_t>(file_, path + "/first");
            auto const count = read_column<std::uint64_t>(file_, path + "/count");
            auto const crc = read_column<std::uint32_t>(file_, path + "/crc32c");
            if (first.size() != count.size() || first.size() != crc.size()) throw io::FieldError();
            for (std::size_t i = 0; i < first.size(); ++i) {
                if (count[i] > map.spec.tasks || first[i] > map.spec.tasks - count[i]) throw io::FieldError();
                map.segments.push_back({.first = first[i], .count = count[i], .crc = crc[i]});
            }
            read_status(map);
            read_failures(map);
            maps.emplace_back(read_number_attribute(call::g_open(file_, path.c_str()), "number"),
                              std::move(map));
        }
        std::ranges::sort(maps, {}, &std::pair<std::int64_t, io::MapRecord>::first);
        for (auto& [number, map] : maps) run_.maps.push_back(std::move(map));
    }

    void read_status(io::MapRecord& map) {
        auto const dataset = call::d_open(file_, ("/tasks/" + map.spec.name + "/status").c_str());
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

    void read_failures(io::MapRecord& map) {
        auto const path = "/failures/" + map.spec.name;
        auto const task = read_column<std::uint64_t>(file_, path + "/task");
        auto const attempt = read_column<std::int32_t>(file_, path + "/attempt");
        auto const rank = read_column<std::int32_t>(file_, path + "/rank");
        auto const cause = read_strings(file_, path + "/cause");
        auto const message = read_strings(file_, path + "/message");
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

    void read_printed() {
        auto const maps = read_strings(file_, "/printed/map");
        auto const first = read_column<std::uint64_t>(file_, "/printed/first");
        auto const count = read_column<std::uint64_t>(file_, "/printed/count");
        auto const texts = read_strings(file_, "/printed/text");
        for (std::size_t i = 0; i < texts.size(); ++i) {
            auto const map = std::ranges::find(run_.maps, maps.at(i),
                                               [](io::MapRecord const& each) { return each.spec.name; });
            run_.printed.push_back(
                {.map = map == run_.maps.end() ? -1 : static_cast<std::int32_t>(map - run_.maps.begin()),
                 .first = first.at(i),
                 .count = count.at(i),
                 .text = texts[i]});
        }
    }

    /// Every dataset with a checksum that is no result.
    void read_arrays() {
        struct Found {
            std::vector<std::string> paths{};
        } found;
        call::o_visit(
            file_,
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
            return std::ranges::none_of(run_.maps, [&](io::MapRecord const& map) {
                auto const results = "results/" + map.spec.name;
                return path == results || path.starts_with(results + "/");
            });
        };
        for (auto const& path : found.paths) {
            if (!is_array(path)) continue;
            auto const dataset = call::d_open(file_, path.c_str());
            if (!call::a_exists(dataset, "crc32c")) continue;
            run_.arrays.push_back(
                {.path = path,
                 .type = element_type(call::d_type(dataset)),
                 .shape = extents_of(dataset),
                 .crc = static_cast<std::uint32_t>(read_number_attribute(dataset, "crc32c")),
                 .maps = static_cast<std::uint32_t>(read_number_attribute(dataset, maps_before))});
        }
    }

    void visit_timing(std::string const& path, bool in_chunks,
                      std::function<void(io::StoredTiming const&)> const& visit) {
        auto const column = [&](char const* name) {
            return call::d_open(file_, (path + "/" + name).c_str());
        };
        auto const rank = column("rank"), process = column("process"), start = column("start"),
                   duration = column("duration"), peak = column("peak_rss");
        Handle const first = in_chunks ? column("first") : Handle();
        Handle const count = in_chunks ? column("count") : Handle();
        auto const rows = extents_of(rank).at(0);
        for (std::uint64_t at = 0; at < rows; at += rows_at_once) {
            auto const part = std::min(rows_at_once, rows - at);
            auto const ranks = read_column<std::int32_t>(rank, at, part);
            auto const processes = read_column<std::int32_t>(process, at, part);
            auto const starts = read_column<double>(start, at, part);
            auto const durations = read_column<double>(duration, at, part);
            auto const peaks = read_column<std::uint64_t>(peak, at, part);
            std::vector<std::uint64_t> firsts;
            std::vector<std::uint32_t> counts;
            if (in_chunks) {
                firsts = read_column<std::uint64_t>(first, at, part);
                counts = read_column<std::uint32_t>(count, at, part);
            }
            for (std::size_t i = 0; i < part; ++i) {
                if (ranks[i] < 0) continue;  // it did not run
                auto const number = static_cast<std::uint32_t>(processes[i] + 1);
                if (number == 0 || number > run_.runs.size()) throw io::FieldError();
                visit({.row = {.first = in_chunks ? firsts[i] : at + i,
                               .count = in_chunks ? counts[i] : 1,
                               .rank = ranks[i],
                               .start = starts[i],
                               .duration = durations[i],
                               .peak_rss = peaks[i]},
                       .process = number});
            }
        }
    }

    void check_ragged(std::size_t number, io::CheckReport& report) override {
        auto const& map = run_.maps.at(number);
        auto const damaged = [&](io::Segment const& segment, std::uint64_t bytes, std::string what) {
            report.damage.push_back({.map = map.spec.name,
                                     .first = segment.first,
                                     .count = segment.count,
                                     .bytes = bytes,
                                     .what = std::move(what)});
        };
        io::Segment const all{.first = 0, .count = map.spec.tasks};
        try {
            auto const group = call::g_open(file_, ("/results/" + map.spec.name).c_str());
            auto const dataset = call::d_open(group, "offsets");
            auto const offsets = read_column<std::uint64_t>(dataset, 0, map.spec.tasks + 1);
            ++report.checksums;
            report.bytes += offsets.size() * sizeof(std::uint64_t);
            auto const crc = static_cast<std::uint32_t>(read_number_attribute(dataset, "crc32c"));
            if (base::crc32c(std::as_bytes(std::span(offsets))) != crc)
                return damaged(all, offsets.size() * sizeof(std::uint64_t),
                               "their offsets do not have their checksum");
            for (auto const& segment : map.segments) {
                auto const begin = offsets.at(segment.first), end = offsets.at(segment.first + segment.count);
                auto const bytes = (end - begin) * size_of(map.spec.type);
                ++report.checksums;
                report.bytes += bytes;
                try {
                    if (checksum(group, map.spec.type, begin, end) != segment.crc)
                        damaged(segment, bytes, "their bytes do not have their checksum");
                } catch (CallError const& error) {
                    damaged(segment, bytes, error.what());
                }
            }
        } catch (CallError const& error) {
            damaged(all, 0, error.what());
        }
    }

    static std::uint32_t checksum(hid_t group, ElementType type, std::uint64_t begin, std::uint64_t end) {
        std::uint32_t crc = 0;
        for (auto at = begin; at < end; at += rows_at_once)
            crc = base::crc32c(values(group, type, at, std::min(end, at + rows_at_once)), crc);
        return crc;
    }

    static std::vector<std::byte> values(hid_t group, ElementType type, std::uint64_t begin,
                                         std::uint64_t end) {
        if (end < begin) throw CallError("its offsets go back");
        if (begin == end) return {};
        return read_rows(call::d_open(group, "values"), type, begin, end - begin);
    }

    File file_;
};

}  // namespace

std::unique_ptr<io::RunReader> read_finished(std::string const& path) {
    return std::make_unique<FinishedReader>(path);
}

}  // namespace plenum::hdf5
