#include "app/run_result_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <plenum/detail/refusals.hpp>
#include <plenum/error.hpp>

#include "app/single_task.hpp"
#include "base/crc32c.hpp"
#include "base/interrupt.hpp"
#include "io/packed_result.hpp"
#include "pool/file_sink.hpp"
#include "pool/result_ring.hpp"

namespace plenum::app {

namespace {

std::uint32_t checksum_of_items(detail::BatchRequest const& request) {
    std::uint32_t crc = 0;
    if (!request.padded_items) {
        crc = base::crc32c(request.plain_items);
    } else if (request.clear_padding != nullptr) {
        // What lies between the members differs from run to run.
        Bytes item(request.item_stride);
        for (auto rest = request.plain_items; !rest.empty(); rest = rest.subspan(item.size())) {
            std::memcpy(item.data(), rest.data(), item.size());
            request.clear_padding(item.data());
            crc = base::crc32c(item, crc);
        }
    }
    crc = base::crc32c(std::as_bytes(std::span(request.item_offsets)), crc);
    return base::crc32c(request.items, crc);
}

/// A batch of these tasks, ascending, that `work` is to leave out: one at a time on each node, so that who
/// dies of one knows which.
std::shared_ptr<pool::Host::Work> take_out(pool::Host::Work& work, std::vector<std::uint64_t> const& tasks) {
    auto const alone = std::make_shared<pool::Host::Work>();
    alone->request = work.request;
    alone->request.running_per_node = 1;
    alone->sink = work.sink;
    alone->timing = work.timing;
    alone->attempts = work.attempts;
    alone->run = work.run;
    alone->map = work.map;
    alone->left_out = work.request.tasks - tasks.size();
    std::uint64_t next = 0;
    for (auto const task : tasks) {
        if (next < task) alone->settled.push_back({next, task});
        next = task + 1;
        work.settled.push_back({task, next});
    }
    if (next < work.request.tasks) alone->settled.push_back({next, work.request.tasks});
    work.left_out += tasks.size();
    return alone;
}

}  // namespace

RunResultFile::RunResultFile(pool::Engine& engine, std::unique_ptr<io::ResultSink> file, io::Shard shard,
                             std::uint64_t run, int gzip, Describe describe)
    : engine_(engine),
      file_(std::move(file)),
      describe_(std::move(describe)),
      shard_(shard),
      run_(run),
      gzip_(gzip),
      writer_(file_ ? std::function<std::uint64_t()>([this] { return file_->commit_if_due(); }) : nullptr) {
    writer_.post(0, [&engine] { engine.node().header().processors.apply_to_thread(); });
}

RunResultFile::~RunResultFile() = default;

MapSummary RunResultFile::map(detail::ResultMap const& map, detail::BatchRequest request) {
    if (maps_.contains(map.name))
        throw UsageError(fmt::format("the job has two maps named '{}'; give each its own name", map.name));
    if (map.fixed && count_of(map.shape) == 0)
        throw UsageError(
            fmt::format("map '{}': its shape has no elements; give every extent at least 1", map.name));
    auto const element = size_of(map.type);
    auto const result_bytes = map.fixed ? count_of(map.shape) * element : 0;
    if (!only_.empty()) {
        if (!is_in_map(only_, map.name, request.tasks)) return {.tasks = request.tasks};
        throw JobCut{run_single_task(engine_, map, std::move(request), only_)};
    }
    if (!file_) {
        maps_[map.name] = {.id = 0, .type = map.type, .tasks = request.tasks, .result_bytes = result_bytes};
        describe_(map, request.tasks);
        return {.tasks = request.tasks};
    }
    request.schedule = map.options.schedule;
    request.chunk_size = map.options.chunk_size;
    request.running_per_node = map.options.running_per_node;
    request.tasks_per_executor = map.options.tasks_per_executor;
    request.retries = map.options.retries;
    request.task_timeout = map.options.task_timeout;
    io::MapSpec spec{.name = map.name,
                     .tasks = request.tasks,
                     .type = map.type,
                     .fixed = map.fixed,
                     .shape = map.shape,
                     .dimensions = map.options.dimensions,
                     .units = map.options.units,
                     .version = map.options.version,
                     .scales = map.options.scales,
                     .attributes = map.options.attributes,
                     .items_crc = checksum_of_items(request),
                     .arrays = arrays_};
    if (auto const packing = packing_for(spec)) {
        spec.packed = true;
        request.packing = *packing;
        request.stride = 0;
    }
    io::MapId id = 0;
    io::EarlierResults earlier;
    writer_.run([&] {
        id = file_->begin_map(spec);
        earlier = file_->earlier_results(id);
    });
    maps_[map.name] = {.id = id, .type = map.type, .tasks = request.tasks, .result_bytes = result_bytes};
    MapSummary summary{.tasks = request.tasks};
    auto const left_out = request.tasks - shard_.size(request.tasks);
    auto const first_here = shard_.first(request.tasks), last_here = shard_.last(request.tasks);
    auto const work = std::make_shared<pool::Host::Work>();
    work->request = std::move(request);
    work->sink = std::make_shared<pool::FileSink>(
        *file_, writer_, id, spec.packed ? 0 : element, [&](wire::Failure const& failure) {
            ++summary.failed;
            failures_.push_back({.map = map.name, .failure = failure});
        });
    work->timing = true;
    for (auto const& [first, count] : earlier.done) work->settled.push_back({first, first + count});
    work->run = run_;
    work->map = static_cast<std::uint32_t>(id);
    auto at_death = std::move(earlier.at_death);
    for (auto const& failure : earlier.failed) {
        bool const quarantined = std::ranges::count(earlier.quarantined, failure.task) > 0;
        work->settled.push_back({failure.task, failure.task + 1});
        std::erase(at_death, failure.task);
        ++summary.failed;
        failures_.push_back({.map = map.name,
                             .failure = {.task = failure.task,
                                         .rank = failure.rank,
                                         .attempt = failure.attempt,
                                         .cause = failure.cause,
                                         .message = failure.message,
                                         .quarantined = quarantined},
                             .earlier = true});
    }
    for (auto const& [task, attempt, cause, counts] : earlier.attempts)
        work->attempts.failed_earlier(task, cause, attempt, counts);
    work->settled_failed = summary.failed;
    work->left_out = left_out;
    if (first_here > 0) work->settled.push_back({0, first_here});
    if (last_here < summary.tasks) work->settled.push_back({last_here, summary.tasks});
    auto const alone = at_death.empty() ? nullptr : take_out(*work, at_death);
    run(work, id);
    if (alone) run(alone, id);
    writer_.run([&] { file_->end_map(id); });
    summary.done = summary.tasks - left_out - summary.failed;
    return summary;
}

std::optional<detail::Packing> RunResultFile::packing_for(io::MapSpec const& spec) const {
    auto const packing = io::packing_of(spec, gzip_);
    auto const most = pool::ring_record_limit(engine_.node().header().ring_bytes);
    return packing && io::packed_most(*packing) <= most ? packing : std::nullopt;
}

void RunResultFile::run(std::shared_ptr<pool::Host::Work> const& work, io::MapId id) {
    auto const completion = work->completion;
    auto const begins = [this](bool now) {
        std::lock_guard const lock(printed_mutex_);
        batch_begins_ = now;
    };
    begins(true);
    try {
        engine_.host().start(work);
    } catch (...) {
        begins(false);
        throw;
    }
    {
        std::lock_guard const lock(printed_mutex_);
        batch_begins_ = false;
        map_of_[work->id] = id;
        for (auto const& output : std::exchange(of_unknown_, {}))
            keep(output, output.batch == work->id ? id : -1);
    }
    completion->wait();
    completion->check();
}

void RunResultFile::note_printed(wire::Output const& output) {
    if (!file_) return;
    std::lock_guard const lock(printed_mutex_);
    auto const found = map_of_.find(output.batch);
    if (output.actor != 0)
        keep(output, -1);
    else if (found != map_of_.end())
        keep(output, found->second);
    else if (batch_begins_)
        of_unknown_.push_back(output);
    else
        keep(output, -1);
}

void RunResultFile::keep(wire::Output const& output, io::MapId id) {
    io::Printed printed{.map = id, .text = output.text};
    printed.first = output.actor != 0 ? output.actor : output.tasks.first;
    printed.count = output.actor != 0 ? 0 : output.tasks.count();
    writer_.post(output.text.size(), [this, printed = std::move(printed)] { file_->put_printed(printed); });
}

void RunResultFile::write(std::string const& path, ElementType type, Shape const& shape, ByteView values,
                          std::vector<Attribute> const& attributes) {
    detail::refuse_inside_task("a write to the result file");
    if (!file_) return;
    wrote_array_ = true;
    writer_.run([&] { file_->write_array(path, type, shape, values, attributes); });
}

void RunResultFile::read(std::string const& map, std::uint64_t first, std::uint64_t count, ElementType as,
                         Bytes& values) {
    detail::refuse_inside_task("reading the result file");
    if (!only_.empty())
        throw UsageError(
            fmt::format("--only: the job reads the results of map '{}', which is not computed; run the "
                        "job as a whole, or choose a task of an earlier map",
                        map));
    auto const found = maps_.find(map);
    if (found == maps_.end())
        throw UsageError(fmt::format("no map '{}' was run; its results cannot be read", map));
    if (found->second.type != as)
        throw UsageError(
            fmt::format("map '{}' holds {}, not {}", map, name_of(found->second.type), name_of(as)));
    auto const tasks = found->second.tasks;
    if (first > tasks || count > tasks - first)
        throw UsageError(
            fmt::format("map '{}' has {} results; {} from {} on cannot be read", map, tasks, count, first));
    if (first < shard_.first(tasks) || first + count > shard_.last(tasks)) {
        needs_merge_ = true;
        throw JobCut{failures_.empty() ? 0 : static_cast<int>(ExitCode::tasks_failed)};
    }
    values.resize(count * found->second.result_bytes);
    if (file_) writer_.run([&] { file_->read_fixed(found->second.id, first, count, values); });
}

void RunResultFile::publish(io::Provenance const& provenance) {
    writer_.run([&] { file_->publish(provenance); });
}

io::RunEnd RunResultFile::leave(double seconds) {
    bool const stopped = writer_.end_within(
        seconds, [this] { file_->commit(); }, [] { return base::InterruptNote::count() > 1; });
    return file_->leave(stopped);
}

}  // namespace plenum::app
