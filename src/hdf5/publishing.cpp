#include "hdf5/publishing.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/crc32c.hpp"
#include "hdf5/map_layout.hpp"
#include "hdf5/packed_writer.hpp"
#include "hdf5/tables.hpp"
#include "io/packed_result.hpp"
#include "io/recorded_run.hpp"
#include "io/shard.hpp"

namespace plenum::hdf5 {
namespace {

/// More than HDF5 needs for headers and alignment of one map and its tables.
constexpr std::uint64_t metadata_bytes = 256 * 1024;
/// More than a string needs beside its characters.
constexpr std::uint64_t string_bytes = 64;
/// Of results behind one checksum, where they lie side by side; damage is found to that precision.
constexpr std::uint64_t segment_bytes = 1 << 20;
constexpr std::uint64_t copied_at_once = 1 << 20;

/// What publishing adds for one map, at most.
std::uint64_t pending_bytes(io::MapRecord const& map) {
    auto bytes = metadata_bytes + tasks_bytes(map);
    for (auto const& piece : map.pieces) bytes += piece.bytes;
    if (!map.spec.fixed) bytes += (map.spec.tasks + 1) * sizeof(std::uint64_t);
    for (auto const& failure : map.failures) bytes += 2 * string_bytes + 3 * failure.message.size();
    return bytes + io::encode(map).view().size() + (map.segments.size() + map.pieces.size()) * 20;
}

/// Workers and provenance; text can triple when it is made valid.
std::uint64_t provenance_bytes(io::Provenance const& provenance) {
    auto bytes = 3 * (2 * provenance.command_line.size() + provenance.job.size());
    for (auto const& [name, value] : provenance.environment)
        bytes += 2 * string_bytes + 3 * (name.size() + value.size());
    for (auto const& worker : provenance.workers)
        bytes += 4 * string_bytes + 3 * (worker.host.size() + worker.cores.size());
    for (auto const& option : provenance.options) {
        auto const* const text = std::get_if<std::string>(&option.value);
        bytes += 4 * string_bytes + 3 * (option.name.size() + (text == nullptr ? 0 : text->size()));
    }
    return bytes;
}

/// In task order, neighbours joined.
std::vector<io::Segment> joined(io::MapRecord const& map, std::vector<io::Segment> segments) {
    std::ranges::sort(segments, {}, &io::Segment::first);
    std::vector<io::Segment> joined;
    for (auto const& next : segments) {
        auto const bytes = next.count * map.result_bytes;
        bool const fits = !joined.empty() && joined.back().first + joined.back().count == next.first &&
                          joined.back().count * map.result_bytes + bytes <= segment_bytes;
        if (!fits) {
            joined.push_back(next);
            continue;
        }
        joined.back().crc = base::crc32c_joined(joined.back().crc, next.crc, bytes);
        joined.back().count += next.count;
    }
    return joined;
}

void write_identity(File& file, Publication const& publication) {
    auto const group = require_group(file, "/provenance");
    std::uint64_t tasks = 0, failed = 0;
    for (auto const& map : publication.maps) {
        auto const share = io::shard_of(publication.identity).size(map.spec.tasks);
        tasks += share;
        failed += share - std::min(share, map.done.count());
    }
    write_attribute(group, {"identity", io::fingerprint(publication.identity)});
    write_record(group, "identity_record", io::encode(publication.identity).view());
    write_record(group, "options_record", io::encode(publication.options).view());
    write_attribute(group, {"journal", fmt::format("{:016x}", publication.journal.id())});
    write_attribute(group, {"tasks", static_cast<std::int64_t>(tasks)});
    write_attribute(group, {"tasks_without_result", static_cast<std::int64_t>(failed)});
}

void write_array_facts(File& file, io::ArrayRecord const& array) {
    auto const dataset = call::d_open(file, array.path.c_str());
    write_attribute(dataset, {"crc32c", std::int64_t{array.crc}});
    write_attribute(dataset, {maps_before, std::int64_t{array.maps}});
}

/// From the partial file and the journal into a dataset in chunks. Returns the checksums.
std::vector<io::Segment> copy_results(File& file, io::MapRecord const& map, Publication const& publication) {
    auto segments = map.segments;
    if (map.spec.tasks * map.result_bytes == 0) return segments;
    auto const dataset = call::d_open(file, ("/results/" + map.spec.name).c_str());
    PackedWriter packed(dataset, map.spec.type, whole_shape(map.spec), publication.storage);
    std::vector<std::byte> block;
    std::uint64_t next = 0;  // task
    auto const copy_up_to = [&](std::uint64_t task) {
        auto const end = task * map.result_bytes;
        for (auto at = next * map.result_bytes; at < end; at += copied_at_once) {
            block.resize(std::min(copied_at_once, end - at));
            publication.partial.read_at(map.offset + at, block);
            packed.append(block);
        }
        next = task;
    };
    auto const packing = io::packing_of(map.spec, publication.storage.gzip);
    io::for_each_packed(
        map, 0, map.spec.tasks,
        [&](std::uint64_t position, std::span<std::byte> into) { publication.journal.read(position, into); },
        [&](std::uint64_t task, ByteView bytes) {
            auto const view = packing ? io::view_packed(*packing, bytes) : std::nullopt;
            if (!view)
                throw EnvironmentError(
                    fmt::format("{}: the result of task {} of map '{}' is damaged; compute all anew "
                                "with --restart",
                                publication.journal.path(), task, map.spec.name));
            copy_up_to(task);
            packed.append_packed(view->chunks);
            segments.push_back({.first = task, .count = 1, .crc = view->crc});
            next = task + 1;
        });
    copy_up_to(map.spec.tasks);
    packed.finish();
    return segments;
}

void copy_arrays(File& file, Publication const& publication) {
    File from(publication.partial.partial_path(), FileMode::read);
    auto const link = call::p_create(H5P_LINK_CREATE);
    call::p_set_create_intermediate_group(link, 1);
    for (auto const& array : publication.arrays) call::o_copy(from, array.path.c_str(), file, link);
    from.close();
}

/// `segments`: of each map, where it is fixed.
void write_rest(File& file, Publication const& publication,
                std::vector<std::vector<io::Segment>> const& segments) {
    HostTable const hosts(publication.runs);
    for (std::size_t i = 0; i < publication.maps.size(); ++i) {
        auto const& map = publication.maps[i];
        write_integrity(file, map.spec.name,
                        map.spec.fixed ? joined(map, segments[i])
                                       : write_ragged(file, map, publication.journal, publication.partial,
                                                      publication.storage));
        write_map_record(file, map, i);
        write_tasks(file, map, publication.journal, hosts);
        write_failures(file, map);
    }
    for (auto const& array : publication.arrays) write_array_facts(file, array);
    write_workers(file, publication.provenance.workers, publication.runs.size());
    write_printed(file, publication.printed, publication.maps);
    write_provenance(file, publication.provenance, publication.facts.created);
    write_runs(file, publication.runs, hosts);
    write_identity(file, publication);
}

}  // namespace

std::string utc_text(std::int64_t unix_seconds) {
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(unix_seconds)));
}

std::int64_t unix_seconds_of(std::string const& utc) {
    std::tm time{};
    return ::strptime(utc.c_str(), "%Y-%m-%dT%H:%M:%SZ", &time) == nullptr ? 0 : ::timegm(&time);
}

void write_root(File& file, FileFacts const& facts) {
    auto const root = require_group(file, "/");
    write_attribute(root, {"format", std::string("plenum")});
    write_attribute(root, {"format_version", format_version});
    write_attribute(root, {"software", facts.software});
    write_attribute(root, {"version", facts.version});
    write_attribute(root, {"git", facts.git});
    write_attribute(root, {"created", facts.created});
    write_attribute(root, {"Conventions", std::string("CF-1.8")});
    (void)require_group(file, "/results");
}

std::uint64_t bytes_of_rest(Publication const& publication) {
    auto bytes = provenance_bytes(publication.provenance);
    for (auto const& map : publication.maps) bytes += pending_bytes(map);
    for (auto const& run : publication.runs) {
        bytes += 5 * string_bytes + 3 * (run.host.size() + run.build.size() + run.command_line.size());
        for (auto const& host : run.hosts) bytes += 2 * (string_bytes + 3 * host.size());
    }
    for (auto const& option : publication.options)
        bytes += 2 * string_bytes + option.name.size() + option.value.size();
    for (auto const& printed : publication.printed) bytes += 2 * string_bytes + 16 + 6 * printed.text.size();
    return bytes + publication.arrays.size() * 2 * string_bytes;
}

void write_rest(File& file, Publication const& publication) {
    std::vector<std::vector<io::Segment>> segments;
    for (auto const& map : publication.maps) segments.push_back(map.segments);
    write_rest(file, publication, segments);
}

std::uint64_t bytes_to_pack(std::vector<io::MapRecord> const& maps) {
    std::uint64_t bytes = 0;
    for (auto const& map : maps) {
        if (map.spec.fixed) {
            bytes += map.spec.tasks * map.result_bytes;
            continue;
        }
        bytes += (map.spec.tasks + 1) * sizeof(std::uint64_t);
        for (auto const& piece : map.pieces) bytes += piece.bytes;
    }
    return bytes;
}

void write_packed(std::string const& path, Publication const& publication) {
    File file(path, FileMode::create);
    write_root(file, publication.facts);
    copy_arrays(file, publication);
    std::vector<std::vector<io::Segment>> segments(publication.maps.size());
    for (std::size_t i = 0; i < publication.maps.size(); ++i) {
        auto const& map = publication.maps[i];
        (void)add_map(file, map.spec, std::span(publication.maps).first(i), publication.storage);
        if (map.spec.fixed) segments[i] = copy_results(file, map, publication);
    }
    write_rest(file, publication, segments);
    file.close();
}

}  // namespace plenum::hdf5
