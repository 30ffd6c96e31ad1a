// Results while tasks run.
#include "hdf5/result_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <limits>
#include <memory>
#include <numeric>
#include <plenum/error.hpp>
#include <utility>

#include "base/beside.hpp"
#include "base/crc32c.hpp"
#include "hdf5/map_layout.hpp"
#include "hdf5/open_run.hpp"
#include "hdf5/partial_update.hpp"
#include "hdf5/values.hpp"
#include "io/packed_result.hpp"
#include "io/partial_contents.hpp"
#include "io/positional.hpp"

namespace plenum::hdf5 {
namespace {

constexpr std::uint64_t guard_ns = 250'000'000;

using io::bytes_of;

std::optional<std::uint64_t> published_journal(std::string const& path) {
    auto const finished = read_finished_run(path);
    return finished ? std::optional(finished->journal) : std::nullopt;
}

}  // namespace

ResultWriter::ResultWriter(ResultFileOptions options)
    : options_(std::move(options)),
      files_({.path = options_.path,
              .existing = options_.existing,
              .restart = options_.restart,
              .identity = options_.identity,
              .options = options_.run_options,
              .lock = options_.lock,
              .published_journal = published_journal(options_.path),
              .earlier = options_.take_from.empty() ? options_.earlier
                                                    : read_finished(options_.take_from)->run().runs,
              .hosts = options_.hosts,
              .say = options_.say}),
      partial_(files_.partial()),
      journal_(files_.journal()),
      committed_results_(files_.recorded().has_value()) {
    if (auto const& recorded = files_.recorded()) {
        options_.take_from.clear();  // this was done
        maps_ = recorded->maps;
        arrays_ = recorded->arrays;
        printed_ = io::PrintedLog(recorded->printed);
        for (std::uint32_t id = 0; id < maps_.size(); ++id) pending_.emplace_back(id);
        if (options_.retry_failed) retry_failed();
        return;
    }
    try {
        create_partial_file(partial_.partial_path(), facts());
    } catch (...) {
        (void)files_.leave(/*keep=*/false, /*stopped=*/true);
        throw;
    }
}

ResultWriter::~ResultWriter() {
    if (published_ || left_) return;
    try {
        commit();
    } catch (Error const&) {
        // Whatever went wrong before is what the user hears of.
    }
    (void)files_.leave(committed_results_ && !taking_over_, /*stopped=*/true);
}

io::MapId ResultWriter::begin_map(io::MapSpec const& spec) {
    require_unpublished();
    take_over();
    check_map(spec);
    auto const known = std::ranges::find_if(
        maps_, [&](io::MapRecord const& map) { return !map.begun && map.spec.name == spec.name; });
    if (known != maps_.end()) return resume_map(static_cast<std::size_t>(known - maps_.begin()), spec);

    io::MapRecord map{.spec = spec, .begun = true};
    if (spec.fixed) {
        map.result_bytes = bytes_of(spec.shape, spec.type);
        if (!spec.packed) partial_.require_space(shard_.size(spec.tasks) * map.result_bytes);
    }
    std::uint64_t scales = 0;
    for (auto const& scale : spec.scales) scales += scale.values.size() * sizeof(double);
    update_file(
        scales, [&](File& file) { map.offset = add_map(file, spec, maps_, {}); },
        [&] { journal_.append(io::RecordKind::map, {io::encode(map).view()}); });
    if (spec.fixed && !spec.packed) reserve(map);
    maps_.push_back(std::move(map));
    note_layout();
    pending_.emplace_back(static_cast<std::uint32_t>(pending_.size()));
    auto const id = static_cast<io::MapId>(maps_.size() - 1);
    if (!taking_over_) note_deaths(static_cast<std::size_t>(id));
    return id;
}

void ResultWriter::put_fixed(io::MapId id, std::uint64_t first, std::uint64_t count,
                             std::span<std::byte const> values) {
    auto& map = open_map(id, first, count);
    if (!map.spec.fixed) throw UsageError(map.spec.name + ": put_fixed into a ragged map");
    if (values.size() != count * map.result_bytes)
        throw UsageError(fmt::format("{}: {} results of {} bytes each do not make {} bytes", map.spec.name,
                                     count, map.result_bytes, values.size()));
    if (count == 0) return;
    require_new(map, first, count);
    guard();
    // The checksum is computed while the disk is at work.
    bool const large = values.size() >= io::direct_least;
    auto const checksum = [&] { return base::crc32c(values); };
    auto crc = large ? base::beside(checksum) : std::async(std::launch::deferred, checksum);
    partial_.write_at(map.offset + first * map.result_bytes, values);
    data_written_ = true;
    pending_[static_cast<std::size_t>(id)].add_results({first, count, crc.get()}, values.size());
    take_note(id, first, count, values.size());
}

void ResultWriter::put_packed(io::MapId id, std::uint64_t first, std::span<std::uint64_t const> lengths,
                              std::span<std::byte const> packed) {
    auto& map = open_map(id, first, lengths.size());
    if (!io::packing_of(map.spec, 1))
        throw UsageError(map.spec.name + ": put_packed into a map whose results share chunks, or are ragged");
    if (std::accumulate(lengths.begin(), lengths.end(), std::uint64_t{0}) != packed.size())
        throw UsageError(fmt::format("{}: lengths do not make {} bytes", map.spec.name, packed.size()));
    if (lengths.empty()) return;
    require_new(map, first, lengths.size());
    guard();
    map.packed[first] = {.count = lengths.size(),
                         .bytes = packed.size(),
                         .position = append_results(io::RecordKind::packed, id, first, lengths, packed)};
    take_note(id, first, lengths.size(), lengths.size() * map.result_bytes);
}

void ResultWriter::reserve(io::MapRecord const& map) {
    partial_.reserve(map.offset + shard_.first(map.spec.tasks) * map.result_bytes,
                     shard_.size(map.spec.tasks) * map.result_bytes);
}

std::uint64_t ResultWriter::append_results(io::RecordKind kind, io::MapId id, std::uint64_t first,
                                           std::span<std::uint64_t const> lengths,
                                           std::span<std::byte const> values) {
    auto const head = io::encode(
        io::RaggedHead{.map = static_cast<std::uint32_t>(id), .first = first, .count = lengths.size()});
    return journal_.append(kind, {head.view(), std::as_bytes(lengths), values}) + io::RaggedHead::bytes;
}

void ResultWriter::put_ragged(io::MapId id, std::uint64_t first, std::span<std::uint64_t const> lengths,
                              std::span<std::byte const> values) {
    auto& map = open_map(id, first, lengths.size());
    if (map.spec.fixed) throw UsageError(map.spec.name + ": put_ragged into a map of fixed shape");
    auto const elements = std::accumulate(lengths.begin(), lengths.end(), std::uint64_t{0});
    if (values.size() != elements * size_of(map.spec.type))
        throw UsageError(fmt::format("{}: lengths of {} elements in all do not make {} bytes of {}",
                                     map.spec.name, elements, values.size(), name_of(map.spec.type)));
    if (lengths.empty()) return;
    require_new(map, first, lengths.size());
    guard();
    map.pieces.push_back({.first = first,
                          .count = lengths.size(),
                          .bytes = values.size(),
                          .position = append_results(io::RecordKind::ragged, id, first, lengths, values)});
    take_note(id, first, lengths.size(), values.size());
}

void ResultWriter::read_fixed(io::MapId id, std::uint64_t first, std::uint64_t count,
                              std::span<std::byte> values) {
    require_unpublished();
    auto const& map = known_map(id);
    if (!map.spec.fixed || first > map.spec.tasks || count > map.spec.tasks - first ||
        values.size() != count * map.result_bytes)
        throw UsageError(map.spec.name + ": only whole results of a map of fixed shape can be read back");
    read_results(map, first, count, values);
}

void ResultWriter::read_results(io::MapRecord const& map, std::uint64_t first, std::uint64_t count,
                                std::span<std::byte> values) {
    partial_.read_at(map.offset + first * map.result_bytes, values);
    auto const read = [this](std::uint64_t position, std::span<std::byte> into) {
        journal_.read(position, into);
    };
    if (auto const damaged = io::unpack_into(map, first, count, read, values))
        throw EnvironmentError(
            fmt::format("{}: the result of task {} of map '{}' is damaged; compute all anew with "
                        "--restart",
                        journal_.path(), *damaged, map.spec.name));
}

void ResultWriter::put_timing(io::MapId id, std::span<io::TimingRow const> rows, std::uint32_t process) {
    if (process == 0) process = static_cast<std::uint32_t>(files_.runs().size());
    if (process > files_.runs().size())
        throw UsageError(fmt::format("{}: there is no process number {}", options_.path, process));
    for (auto const& row : rows) (void)open_map(id, row.first, row.count);
    auto& map = open_map(id, 0, 0);
    if (rows.empty()) return;
    pending_[static_cast<std::size_t>(id)].add_timing(rows, process, journal_, map);
    start_clock();
}

std::vector<std::uint32_t> ResultWriter::process_numbers(std::vector<io::RunRecord> const& runs) const {
    auto const& known = files_.runs();
    std::vector<std::uint32_t> numbers;
    for (auto const& run : runs) {
        auto const found = std::ranges::find(known, run);
        if (found == known.end())
            throw UsageError(options_.path + ": a process whose results it is given is not known");
        numbers.push_back(static_cast<std::uint32_t>(found - known.begin()) + 1);
    }
    return numbers;
}

void ResultWriter::put_failure(io::MapId id, io::Failure const& failure) {
    auto& map = open_map(id, failure.task, 1);
    require_new(map, failure.task, 1);
    guard();
    auto noted = failure;
    if (auto const before = map.attempts.find(failure.task); before != map.attempts.end())
        noted.attempt = std::max(failure.attempt, before->second.failed + 1);
    if (auto const missing = missing_result(map.spec.type, map.result_bytes);
        map.spec.fixed && !missing.empty()) {
        partial_.overwrite_at(map.offset + failure.task * map.result_bytes, missing);
        data_written_ = true;
    }
    journal_.append(
        io::RecordKind::failure,
        {io::encode(io::FailureRecord{.map = static_cast<std::uint32_t>(id), .failure = noted}).view()});
    map.mark_failed(noted);
    io::mark_outdated(arrays_, static_cast<std::size_t>(id));
    start_clock();
}

void ResultWriter::put_printed(io::Printed printed) {
    if (published_) return;
    // What is printed after the last task of an executor, say by a program that it has started, is nobody's.
    if (printed.map >= 0) {
        auto const tasks = known_map(printed.map).spec.tasks;
        if (printed.first >= tasks || printed.count > tasks - printed.first) printed.map = -1;
    }
    auto const* const kept = printed_.add(std::move(printed));
    if (kept == nullptr) return;
    journal_.append(io::RecordKind::printed, {io::encode(*kept).view()});
    // A run that has nothing but this leaves nothing.
    if (committed_results_) start_clock();
}

std::vector<io::Printed> const& ResultWriter::printed() const {
    return printed_.entries();
}

void ResultWriter::commit() {
    if (taking_over_) return;  // as a whole or not at all
    if (first_waiting_ns_ == 0) return;
    files_.lock().require_mine();
    for (std::size_t id = 0; id < maps_.size(); ++id) pending_[id].write(journal_, maps_[id]);
    if (data_written_ || !committed_results_) partial_.sync();
    // Before the first record that counts: the names have to be on the disk too.
    if (!committed_results_ && io::sync_folder_of(options_.path) != 0)
        throw EnvironmentError(fmt::format("{}: its folder cannot be synced; check the disk", options_.path));
    if (!committed_results_) append_layout();
    journal_.commit();
    data_written_ = false;
    first_waiting_ns_ = 0;
    committed_results_ = true;
}

std::uint64_t ResultWriter::commit_if_due() {
    constexpr auto never = std::numeric_limits<std::uint64_t>::max();
    if (first_waiting_ns_ == 0 || published_) return never;
    auto const interval = static_cast<std::uint64_t>(options_.commit_seconds * 1e9);
    auto const waited = base::now_ns() - first_waiting_ns_;
    if (waited < interval) return interval - waited;
    commit();
    return never;
}

io::RunEnd ResultWriter::leave(bool stopped) {
    left_ = true;
    return files_.leave(committed_results_ && !taking_over_, stopped);
}

void ResultWriter::take_note(io::MapId id, std::uint64_t first, std::uint64_t count, std::uint64_t bytes) {
    maps_[static_cast<std::size_t>(id)].mark_done(first, count);
    io::mark_outdated(arrays_, static_cast<std::size_t>(id));
    bytes_written_ += bytes;
    start_clock();
}

void ResultWriter::guard() {
    auto const now = base::now_ns();
    if (now - guarded_ns_ < guard_ns) return;
    files_.lock().require_mine();
    guarded_ns_ = now;
}

void ResultWriter::require_new(io::MapRecord const& map, std::uint64_t first, std::uint64_t count) {
    if (map.done.intersects(first, count))
        throw UsageError(fmt::format("{}: a task among {} to {} has a result already", map.spec.name, first,
                                     first + count - 1));
}

io::MapRecord const& ResultWriter::known_map(io::MapId id) const {
    if (id < 0 || static_cast<std::size_t>(id) >= maps_.size())
        throw UsageError(fmt::format("{}: there is no map number {}", options_.path, id));
    return maps_[static_cast<std::size_t>(id)];
}

io::MapRecord& ResultWriter::open_map(io::MapId id, std::uint64_t first, std::uint64_t count,
                                      bool also_ended) {
    require_unpublished();
    (void)known_map(id);
    auto& map = maps_[static_cast<std::size_t>(id)];
    if (map.ended && !also_ended) throw UsageError(fmt::format("map '{}' has ended", map.spec.name));
    if (count > map.spec.tasks || first > map.spec.tasks - count)
        throw UsageError(fmt::format("map '{}': tasks {} to {} of {}", map.spec.name, first,
                                     first + count - 1, map.spec.tasks));
    return map;
}

std::unique_ptr<io::ResultSink> create_result_file(ResultFileOptions options) {
    return std::make_unique<ResultWriter>(std::move(options));
}

}  // namespace plenum::hdf5
