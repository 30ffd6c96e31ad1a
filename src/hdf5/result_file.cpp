// The result sink: results bypass HDF5, which only sees the file to begin a map, to store an array and to
// publish.
#include "hdf5/result_file.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <future>
#include <limits>
#include <map>
#include <numeric>
#include <plenum/error.hpp>
#include <set>

#include "base/beside.hpp"
#include "base/clock.hpp"
#include "base/crc32c.hpp"
#include "hdf5/file.hpp"
#include "hdf5/map_layout.hpp"
#include "hdf5/open_run.hpp"
#include "hdf5/partial_update.hpp"
#include "hdf5/publishing.hpp"
#include "hdf5/values.hpp"
#include "io/copy_run.hpp"
#include "io/partial_contents.hpp"
#include "io/pending_records.hpp"
#include "io/positional.hpp"
#include "io/printed_log.hpp"
#include "io/run_files.hpp"
#include "io/shard.hpp"

namespace plenum::hdf5 {
namespace {

constexpr std::uint64_t guard_ns = 250'000'000;

using io::bytes_of;

std::optional<std::uint64_t> published_journal(std::string const& path) {
    auto const finished = read_finished_run(path);
    return finished ? std::optional(finished->journal) : std::nullopt;
}

class ResultFile final : public io::ResultSink {
public:
    explicit ResultFile(ResultFileOptions options)
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

    ~ResultFile() override {
        if (published_ || left_) return;
        try {
            commit();
        } catch (Error const&) {
            // Whatever went wrong before is what the user hears of.
        }
        (void)files_.leave(committed_results_ && !taking_over_, /*stopped=*/true);
    }

    io::MapId begin_map(io::MapSpec const& spec) override {
        require_unpublished();
        take_over();
        check_map(spec);
        auto const known = std::ranges::find_if(
            maps_, [&](io::MapRecord const& map) { return !map.begun && map.spec.name == spec.name; });
        if (known != maps_.end()) return resume_map(static_cast<std::size_t>(known - maps_.begin()), spec);

        io::MapRecord map{.spec = spec, .begun = true};
        if (spec.fixed) {
            map.result_bytes = bytes_of(spec.shape, spec.type);
            partial_.require_space(shard_.size(spec.tasks) * map.result_bytes);
        }
        std::uint64_t scales = 0;
        for (auto const& scale : spec.scales) scales += scale.values.size() * sizeof(double);
        update_file(
            scales, [&](File& file) { map.offset = add_map(file, spec, maps_, {}); },
            [&] { journal_.append(io::RecordKind::map, {io::encode(map).view()}); });
        if (spec.fixed)
            partial_.reserve(map.offset + shard_.first(spec.tasks) * map.result_bytes,
                             shard_.size(spec.tasks) * map.result_bytes);
        maps_.push_back(std::move(map));
        note_layout();
        pending_.emplace_back(static_cast<std::uint32_t>(pending_.size()));
        auto const id = static_cast<io::MapId>(maps_.size() - 1);
        if (!taking_over_) note_deaths(static_cast<std::size_t>(id));
        return id;
    }

    io::EarlierResults earlier_results(io::MapId id) const override {
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

    void put_fixed(io::MapId id, std::uint64_t first, std::uint64_t count,
                   std::span<std::byte const> values) override {
        auto& map = open_map(id, first, count);
        if (!map.spec.fixed) throw UsageError(map.spec.name + ": put_fixed into a ragged map");
        if (values.size() != count * map.result_bytes)
            throw UsageError(fmt::format("{}: {} results of {} bytes each do not make {} bytes",
                                         map.spec.name, count, map.result_bytes, values.size()));
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

    void put_ragged(io::MapId id, std::uint64_t first, std::span<std::uint64_t const> lengths,
                    std::span<std::byte const> values) override {
        auto& map = open_map(id, first, lengths.size());
        if (map.spec.fixed) throw UsageError(map.spec.name + ": put_ragged into a map of fixed shape");
        auto const elements = std::accumulate(lengths.begin(), lengths.end(), std::uint64_t{0});
        if (values.size() != elements * size_of(map.spec.type))
            throw UsageError(fmt::format("{}: lengths of {} elements in all do not make {} bytes of {}",
                                         map.spec.name, elements, values.size(), name_of(map.spec.type)));
        if (lengths.empty()) return;
        require_new(map, first, lengths.size());
        guard();
        auto const head = io::encode(
            io::RaggedHead{.map = static_cast<std::uint32_t>(id), .first = first, .count = lengths.size()});
        auto const position =
            journal_.append(io::RecordKind::ragged, {head.view(), std::as_bytes(lengths), values});
        map.pieces.push_back({.first = first,
                              .count = lengths.size(),
                              .bytes = values.size(),
                              .position = position + io::RaggedHead::bytes});
        take_note(id, first, lengths.size(), values.size());
    }

    void read_fixed(io::MapId id, std::uint64_t first, std::uint64_t count,
                    std::span<std::byte> values) override {
        require_unpublished();
        auto const& map = known_map(id);
        if (!map.spec.fixed || first > map.spec.tasks || count > map.spec.tasks - first ||
            values.size() != count * map.result_bytes)
            throw UsageError(map.spec.name + ": only whole results of a map of fixed shape can be read back");
        partial_.read_at(map.offset + first * map.result_bytes, values);
    }

    void put_timing(io::MapId id, std::span<io::TimingRow const> rows, std::uint32_t process) override {
        if (process == 0) process = static_cast<std::uint32_t>(files_.runs().size());
        if (process > files_.runs().size())
            throw UsageError(fmt::format("{}: there is no process number {}", options_.path, process));
        for (auto const& row : rows) (void)open_map(id, row.first, row.count);
        auto& map = open_map(id, 0, 0);
        if (rows.empty()) return;
        pending_[static_cast<std::size_t>(id)].add_timing(rows, process, journal_, map);
        start_clock();
    }

    std::vector<std::uint32_t> process_numbers(std::vector<io::RunRecord> const& runs) const override {
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

    void put_failure(io::MapId id, io::Failure const& failure) override {
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

    void put_printed(io::Printed printed) override {
        if (published_) return;
        // What is printed after the last task of an executor, say by a program that it has started, is
        // nobody's.
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

    std::vector<io::Printed> const& printed() const override { return printed_.entries(); }

    void end_map(io::MapId id) override { open_map(id, 0, 0).ended = true; }

    void write_array(std::string const& path, ElementType type, Shape const& shape,
                     std::span<std::byte const> values, std::vector<io::Attribute> const& attributes,
                     std::optional<std::uint32_t> maps) override {
        require_unpublished();
        take_over();
        auto const bytes = bytes_of(shape, type);
        if (values.size() != bytes)
            throw UsageError(
                fmt::format("{}: an array of {} bytes cannot be filled with {}", path, bytes, values.size()));
        io::ArrayRecord array{.path = path,
                              .type = type,
                              .shape = shape,
                              .crc = base::crc32c(values),
                              .maps = maps.value_or(maps_begun())};
        auto const known = std::ranges::find(arrays_, path, &io::ArrayRecord::path);
        bool const is_earlier = known != arrays_.end() && !arrays_begun_.contains(path);
        if (is_earlier && is_stored(*known, array)) {
            arrays_begun_.insert(path);
            return;
        }
        // What was computed from results may change with them, inputs may not.
        if (is_earlier && !known->outdated && !is_same(*known, array))
            throw UsageError(
                fmt::format("{}: the array {} is another than before the run was interrupted; use the same "
                            "inputs, another file "
                            "with -o, or --restart",
                            options_.path, path));
        update_file(
            bytes,
            [&](File& file) {
                if (is_earlier) call::l_delete(file, path.c_str());
                if (path_exists(file, path))
                    throw UsageError(
                        fmt::format("{}: the result file has it already; choose another path", path));
                auto const dataset = write_dataset(file, path, type, shape, values);
                if (bytes > 0) array.offset = call::d_offset(dataset);
                for (auto const& attribute : attributes) write_attribute(dataset, attribute);
            },
            [&] { journal_.append(io::RecordKind::array, {io::encode(array).view()}); });
        if (is_earlier) arrays_.erase(known);
        arrays_.push_back(std::move(array));
        note_layout();
        arrays_begun_.insert(path);
    }

    void commit() override {
        if (taking_over_) return;  // as a whole or not at all
        if (first_waiting_ns_ == 0) return;
        files_.lock().require_mine();
        for (std::size_t id = 0; id < maps_.size(); ++id) pending_[id].write(journal_, maps_[id]);
        if (data_written_ || !committed_results_) partial_.sync();
        // Before the first record that counts: the names have to be on the disk too.
        if (!committed_results_ && io::sync_folder_of(options_.path) != 0)
            throw EnvironmentError(
                fmt::format("{}: its folder cannot be synced; check the disk", options_.path));
        if (!committed_results_) append_layout();
        journal_.commit();
        data_written_ = false;
        first_waiting_ns_ = 0;
        committed_results_ = true;
    }

    std::uint64_t commit_if_due() override {
        constexpr auto never = std::numeric_limits<std::uint64_t>::max();
        if (first_waiting_ns_ == 0 || published_) return never;
        auto const interval = static_cast<std::uint64_t>(options_.commit_seconds * 1e9);
        auto const waited = base::now_ns() - first_waiting_ns_;
        if (waited < interval) return interval - waited;
        commit();
        return never;
    }

    void publish(io::Provenance const& provenance) override {
        require_unpublished();
        commit();
        Publication const publication{.facts = facts(),
                                      .maps = maps_,
                                      .arrays = arrays_,
                                      .runs = files_.runs(),
                                      .printed = printed_.entries(),
                                      .identity = options_.identity,
                                      .options = options_.run_options,
                                      .provenance = provenance,
                                      .partial = partial_,
                                      .journal = journal_,
                                      .storage = storage()};
        auto from = partial_.partial_path();
        if (options_.gzip != 0) {
            from = files_.packed_path();
            ::unlink(from.c_str());
            guarded_hdf5(from, bytes_written_, [&] { write_packed(from, publication); });
            files_.lock().require_mine();
            partial_.publish(from);
        } else {
            // Nothing tells that this update is complete but the name that the file takes.
            PartialUpdate update(files_, io::data_ranges(maps_, arrays_), committed_results_);
            update.run(bytes_of_rest(publication), [&](File& file) { write_rest(file, publication); });
            files_.lock().require_mine();
            partial_.publish(from);
            update.keep();
        }
        published_ = true;
        files_.remove_others();
    }

    io::RunEnd leave(bool stopped) override {
        left_ = true;
        return files_.leave(committed_results_ && !taking_over_, stopped);
    }

    std::uint64_t bytes_written() const override { return bytes_written_; }

private:
    FileFacts facts() const {
        return {.software = options_.software,
                .version = options_.version,
                .git = options_.git,
                .created = utc_text(files_.runs().front().unix_seconds)};
    }

    Storage storage() const {
        Storage storage{.gzip = options_.gzip, .threads = options_.pack_threads};
        if (options_.packed)
            storage.stored = [this, all = bytes_to_pack(maps_),
                              done = std::make_shared<std::uint64_t>(0)](std::uint64_t bytes) {
                *done += bytes;
                options_.packed(static_cast<double>(*done) / static_cast<double>(all));
            };
        return storage;
    }

    /// use(file) changes the partial file as a whole or not at all, also when the process is killed; then
    /// note() records the change.
    template <class Use, class Note>
    void update_file(std::uint64_t bytes, Use&& use, Note&& note) {
        if (!taking_over_) commit();
        files_.lock().require_mine();
        PartialUpdate update(files_, io::data_ranges(maps_, arrays_), committed_results_);
        update.run(bytes, use);
        note();
        update.commit();
    }

    /// So that whoever resumes the run notices damage of what HDF5 is to change next. The file is synced.
    void note_layout() {
        if (!committed_results_) return;  // the first commit does it
        append_layout();
        journal_.commit();
    }
    void append_layout() {
        auto const layout = io::layout_of(partial_, io::data_ranges(maps_, arrays_));
        journal_.append(io::RecordKind::layout, {io::encode(layout).view()});
    }

    /// All of it in the first group of the journal, so that the run is there as a whole or not at all.
    void take_over() {
        if (options_.take_from.empty() || taking_over_) return;
        taking_over_ = true;
        auto const reader = read_finished(options_.take_from);
        auto& source = *reader;
        std::uint64_t damaged = 0;
        // In the order of the job: a map may have an array that stands there already for a scale.
        auto const copy_arrays = [&](std::size_t maps) {
            for (std::size_t i = 0; i < source.run().arrays.size(); ++i)
                if (source.run().arrays[i].maps == maps && !io::copy_array(source, i, *this))
                    throw EnvironmentError(fmt::format(
                        "{}: array {} does not have its checksum; restore the file from a copy, or "
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

    void retry_failed() {
        for (auto& map : maps_) map.retry_failed();
        journal_.append(io::RecordKind::retry, {});
        start_clock();
    }

    std::uint32_t maps_begun() const {
        return static_cast<std::uint32_t>(std::ranges::count_if(maps_, &io::MapRecord::begun));
    }

    io::MapId resume_map(std::size_t id, io::MapSpec const& spec) {
        auto& map = maps_[id];
        if (auto const why = io::difference(map.spec, spec); !why.empty())
            throw UsageError(
                fmt::format("{}: map '{}' cannot go on ({}); use the same inputs and program, another file "
                            "with -o, or --restart",
                            options_.path, spec.name, why));
        map.begun = true;
        discard_damaged(id);
        note_deaths(id);
        return static_cast<io::MapId>(id);
    }

    /// Results whose bytes are not those that were committed run again.
    void discard_damaged(std::size_t id) {
        auto& map = maps_[id];
        auto const tasks = io::discard_damaged(map, static_cast<std::uint32_t>(id), partial_, journal_);
        if (tasks == 0) return;
        io::mark_outdated(arrays_, id);
        start_clock();
        commit();
        if (options_.say)
            options_.say(fmt::format(
                "warning: {} results of map '{}' in {} are damaged (their checksums are wrong) and "
                "are computed again",
                tasks, map.spec.name, partial_.partial_path()));
    }

    bool is_of(io::Death const& death, io::MapId id) const {
        return death.map == static_cast<std::uint32_t>(id) && death.task < known_map(id).spec.tasks;
    }

    /// A task that was at work when its rank died has failed an attempt, and for good when that was one too
    /// many. On the disk before any task runs: the next death must find it.
    void note_deaths(std::size_t id) {
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
            if (auto const crashes = map.crashes(death.task) + 1;
                !is_last && crashes >= options_.crash_limit) {
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

    static bool is_same(io::ArrayRecord const& then, io::ArrayRecord const& now) {
        return then.type == now.type && then.shape == now.shape && then.crc == now.crc;
    }
    bool is_stored(io::ArrayRecord const& then, io::ArrayRecord const& now) const {
        return is_same(then, now) &&
               partial_.checksum(then.offset, bytes_of(then.shape, then.type)) == now.crc;
    }

    void take_note(io::MapId id, std::uint64_t first, std::uint64_t count, std::uint64_t bytes) {
        maps_[static_cast<std::size_t>(id)].mark_done(first, count);
        io::mark_outdated(arrays_, static_cast<std::size_t>(id));
        bytes_written_ += bytes;
        start_clock();
    }

    void start_clock() {
        if (first_waiting_ns_ == 0) first_waiting_ns_ = base::now_ns();
    }

    /// A process that was stopped for long may have been taken for dead.
    void guard() {
        auto const now = base::now_ns();
        if (now - guarded_ns_ < guard_ns) return;
        files_.lock().require_mine();
        guarded_ns_ = now;
    }

    static void require_new(io::MapRecord const& map, std::uint64_t first, std::uint64_t count) {
        if (map.done.intersects(first, count))
            throw UsageError(fmt::format("{}: a task among {} to {} has a result already", map.spec.name,
                                         first, first + count - 1));
    }

    io::MapRecord const& known_map(io::MapId id) const {
        if (id < 0 || static_cast<std::size_t>(id) >= maps_.size())
            throw UsageError(fmt::format("{}: there is no map number {}", options_.path, id));
        return maps_[static_cast<std::size_t>(id)];
    }

    io::MapRecord& open_map(io::MapId id, std::uint64_t first, std::uint64_t count, bool also_ended = false) {
        require_unpublished();
        (void)known_map(id);
        auto& map = maps_[static_cast<std::size_t>(id)];
        if (map.ended && !also_ended) throw UsageError(fmt::format("map '{}' has ended", map.spec.name));
        if (count > map.spec.tasks || first > map.spec.tasks - count)
            throw UsageError(fmt::format("map '{}': tasks {} to {} of {}", map.spec.name, first,
                                         first + count - 1, map.spec.tasks));
        return map;
    }

    void require_unpublished() const {
        if (published_) throw UsageError(options_.path + " is published already; nothing can be added");
    }

    ResultFileOptions options_;
    io::Shard shard_ = io::shard_of(options_.identity);
    io::RunFiles files_;
    io::PartialFile& partial_;
    io::Journal& journal_;
    std::vector<io::MapRecord> maps_;
    std::vector<io::PendingRecords> pending_;  // of each map
    std::vector<io::ArrayRecord> arrays_;
    io::PrintedLog printed_;
    std::set<std::string> arrays_begun_;  // paths of those that this process has stored or found
    std::map<io::MapId, std::vector<std::uint64_t>> quarantined_;  // by deaths before this process
    std::uint64_t bytes_written_ = 0;
    std::uint64_t first_waiting_ns_ = 0;  // when the first of what waits for a commit came; 0: nothing waits
    std::uint64_t guarded_ns_ = 0;
    bool taking_over_ = false;
    bool data_written_ = false;  // to the partial file, since the last commit
    std::atomic<bool> committed_results_;
    std::atomic<bool> left_{false};
    bool published_ = false;
};

}  // namespace

std::unique_ptr<io::ResultSink> create_result_file(ResultFileOptions options) {
    return std::make_unique<ResultFile>(std::move(options));
}

}  // namespace plenum::hdf5
