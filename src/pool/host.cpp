#include "pool/host.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <plenum/error.hpp>
#include <utility>

#include "base/memory_limits.hpp"
#include "base/units.hpp"
#include "pool/result_parts.hpp"

namespace plenum::pool {
namespace {

constexpr auto page = base::page_most;
// Of results in one block, for each executor of the node. What waits for the disk stays in a few warm pages,
// and partly in the cache: with blocks of 64 MiB every result lies in memory that was never touched, four
// times slower in all.
constexpr std::uint64_t block_bytes_per_executor = 1 << 20;
constexpr std::uint64_t distant_block_bytes_per_executor =
    4 << 20;                                              // on other nodes: a round trip for each block
constexpr std::uint64_t first_varying_per_executor = 16;  // tasks of the first blocks
constexpr std::uint64_t timed_block_chunks_most = 1 << 16;
// Of a batch of which few tasks may run at once: the one at work and the next.
constexpr std::size_t limited_blocks_per_node = 2;
constexpr std::uint64_t backlog_per_node = 64 << 20;  // results that wait for the disk, for the same reason
constexpr std::uint64_t backlog_most = 512 << 20;

std::uint64_t as_ns(double seconds) {
    return static_cast<std::uint64_t>(std::min(seconds, 1e9) * 1e9);
}

/// Bytes of the largest item of varying size.
std::uint64_t largest_item(detail::BatchRequest const& request) {
    std::uint64_t largest = 0;
    for (std::size_t i = 1; i < request.item_offsets.size(); ++i)
        largest = std::max(largest, request.item_offsets[i] - request.item_offsets[i - 1]);
    return largest;
}

}  // namespace

Host::Host(NodeView node, comm::Topology const& topology, Options options, SendTo send,
           base::DoorbellAddress bell)
    : node_(node),
      topology_(topology),
      options_(options),
      send_(std::move(send)),
      bell_(bell),
      arrays_(node.header().arrays_begin, node.header().arrays_end, page) {
    for (int n = 0; n < topology.nodes; ++n) coordinator_.add_node(n, executors_on(n));
}

void Host::ring() {
    if (!rung_.exchange(true)) ringer_.ring(bell_);
}

void Host::post(std::function<void()> work) {
    {
        std::lock_guard const lock(mutex_);
        posted_.push_back(std::move(work));
    }
    ring();
}

std::uint64_t Host::most_tasks_of_block(wire::OpenBatch const& batch, std::uint64_t per_task,
                                        int node) const {
    constexpr std::uint64_t reserve = 64 * 1024;  // rounding of the parts of a block
    auto const limit = uncommitted_limit(node_.bytes());
    auto const function = batch.payload.bytes.size() + page;
    if (limit < function + reserve) return 0;
    auto const room = limit - function - reserve;
    // A quarter of what may be uncommitted holds a block, so that computing, sending and storing overlap.
    auto most = room / 4 / per_task;
    if (most == 0 && per_task <= room) most = 1;
    bool const on_rank_zeros_node = node == topology_.node_of[0];
    if (batch.stride != 0 && !(batch.direct && on_rank_zeros_node)) {
        auto const executors = static_cast<std::uint64_t>(executors_on(node));
        auto const bytes =
            executors * (on_rank_zeros_node ? block_bytes_per_executor : distant_block_bytes_per_executor);
        most = std::min(most, std::max(executors, bytes / batch.stride));
    }
    if (batch.timing &&
        (batch.schedule == static_cast<std::uint8_t>(sched::Technique::ss) || batch.chunk_size != 0))
        most = std::min(most, timed_block_chunks_most * std::max<std::uint64_t>(1, batch.chunk_size));
    return most;
}

std::vector<std::uint64_t> Host::block_limits(wire::OpenBatch const& batch,
                                              std::uint64_t largest_item) const {
    std::vector<std::uint64_t> most;
    for (int n = 0; n < topology_.nodes; ++n) {
        auto const per_task = block_bytes_per_task(batch, n == topology_.node_of[0], largest_item);
        most.push_back(most_tasks_of_block(batch, per_task, n));
        if (most.back() != 0) continue;
        throw EnvironmentError(fmt::format(
            "one task needs {} of node memory for its result and item, and the function {}, but only {} of "
            "{} may be on their way; give more with --node-memory",
            base::format_bytes(per_task), base::format_bytes(batch.payload.bytes.size()),
            base::format_bytes(uncommitted_limit(node_.bytes())), base::format_bytes(node_.bytes())));
    }
    return most;
}

void Host::set_block_limits(sched::BatchId id, Batch& batch, std::uint64_t largest_item) {
    auto most = block_limits(batch.opened, largest_item);
    batch.largest_item = largest_item;
    batch.most_tasks = *std::min_element(most.begin(), most.end());
    for (int n = 0; n < topology_.nodes; ++n) {
        auto& limit = most[static_cast<std::size_t>(n)];
        // Results of varying length: few tasks at first, more when their mean size is known.
        if (batch.opened.stride == 0 && batch.varying_tasks == 0)
            limit = std::min(limit, first_varying_per_executor * static_cast<std::uint64_t>(executors_on(n)));
        coordinator_.set_max_block(id, n, limit);
    }
}

void Host::begin(std::shared_ptr<Work> const& work, std::shared_ptr<StreamState> stream) {
    auto const& request = work->request;
    auto technique = options_.schedule;
    if (!request.schedule.empty()) {
        auto const named = sched::technique_named(request.schedule);
        if (!named)
            throw UsageError(
                fmt::format("unknown schedule '{}'; use {}", request.schedule, sched::names_of_techniques()));
        technique = *named;
    }
    bool const grows = stream != nullptr;
    auto chunk = request.chunk_size != 0 ? request.chunk_size : options_.chunk_size;
    if (!grows) chunk = std::min(chunk, std::max<std::uint64_t>(1, request.tasks));
    Batch batch;
    batch.work = work;
    batch.stream = std::move(stream);
    batch.items = StreamItems(request.item_stride);
    batch.tasks = request.tasks;
    batch.attempts = std::move(work->attempts);
    batch.opened = {.function = request.function,
                    .tasks = request.tasks,
                    .stride = request.stride,
                    .packing = request.packing,
                    .schedule = static_cast<std::uint8_t>(technique),
                    .chunk_size = chunk,
                    .tasks_per_executor = request.tasks_per_executor != 0 ? request.tasks_per_executor
                                                                          : options_.tasks_per_executor,
                    .running_per_node = request.running_per_node,
                    .task_timeout_ns =
                        as_ns(request.task_timeout > 0 ? request.task_timeout : options_.limits.task_timeout),
                    .ns_left = ns_left_for_tasks(),
                    .item_stride = request.item_stride,
                    .varying_items = request.varying_items || !request.item_offsets.empty(),
                    .timing = work->timing,
                    .priority = request.priority,
                    .prompt = grows,
                    .on_each = request.on_each_executor,
                    .direct = work->direct_offset.has_value(),
                    .direct_offset = work->direct_offset.value_or(0),
                    .run = work->run,
                    .map = work->map,
                    .payload = {work, request.state}};
    auto const largest = largest_item(request);
    auto const limits = block_limits(batch.opened, largest);  // throws before anything has begun
    if (request.on_each_executor) return begin_on_each(std::move(batch), limits);

    std::lock_guard const lock(scheduling_);
    if (stopping_) {
        progress_.cut_short = true;
        std::rethrow_exception(stopped_error());
    }
    auto const id = coordinator_.add_batch(
        {.tasks = request.tasks,
         .priority = request.priority,
         .blocks_per_node = request.running_per_node == 0 ? 0 : limited_blocks_per_node,
         .growing = grows});
    work->id = batch.opened.batch = id;
    set_block_limits(id, batch, largest);
    for (auto const& range : work->settled) {
        (void)coordinator_.drop(id, {range.first, range.last});
        batch.final_tasks += range.count();
    }
    progress_.done += batch.final_tasks - work->settled_failed - work->left_out;
    progress_.failed += work->settled_failed;
    progress_.settled += batch.final_tasks - work->left_out;
    progress_.tasks += request.tasks - work->left_out;
    ++active_;
    batches_.emplace(id, std::move(batch));
    check_failures();  // of earlier processes
    ring();
}

void Host::start(std::shared_ptr<Work> work) {
    begin(work, nullptr);
}

void Host::run(std::shared_ptr<Work> work) {
    auto const completion = work->completion;
    start(std::move(work));
    completion->wait();
    completion->check();
}

wire::Payload Host::items_of(Batch const& batch, wire::TaskRange tasks) const {
    if (batch.stream) return batch.items.payload(tasks);
    auto const& request = batch.work->request;
    if (request.item_stride != 0)
        return {nullptr, request.plain_items.subspan(tasks.first * request.item_stride,
                                                     tasks.count() * request.item_stride)};
    if (request.item_offsets.empty()) return {};
    auto const begin = request.item_offsets[tasks.first];
    auto const bytes = request.item_offsets[tasks.last] - begin;
    Bytes items(item_table_bytes(tasks.count()) + bytes);
    std::vector<std::uint64_t> offsets(
        request.item_offsets.begin() + static_cast<std::ptrdiff_t>(tasks.first),
        request.item_offsets.begin() + static_cast<std::ptrdiff_t>(tasks.last) + 1);
    for (auto& offset : offsets) offset -= begin;
    std::memcpy(items.data(), offsets.data(), offsets.size() * sizeof(std::uint64_t));
    if (bytes != 0)
        std::memcpy(items.data() + item_table_bytes(tasks.count()), request.items.data() + begin, bytes);
    return wire::Payload::of(std::move(items));
}

void Host::on(wire::RequestBlock const& request) {
    std::lock_guard const lock(scheduling_);
    if (request.any)
        coordinator_.request(request.node);
    else
        coordinator_.request_of(request.node, request.batch);
}

void Host::on(wire::BlockResults results) {
    auto const node = results.node;
    auto const block = results.block;
    auto const batch_id = results.batch;
    std::lock_guard const lock(scheduling_);
    if (batch_id >= first_on_each) return take_on_each(std::move(results));
    if (results.mean_task_seconds > 0) coordinator_.measured(batch_id, node, results.mean_task_seconds);
    auto& batch = batches_.at(batch_id);
    if (results.long_task_seconds > 0) batch.long_task_seconds[node] = results.long_task_seconds;
    auto const returned = std::move(results.returned);
    if (!results.lengths.empty()) {
        for (auto const& run : results.runs) batch.varying_tasks += run.count();
        batch.varying_bytes += results.payload.bytes.size();
        auto const executors = static_cast<std::uint64_t>(executors_on(node));
        auto const mean = std::max<std::uint64_t>(1, batch.varying_bytes / batch.varying_tasks);
        coordinator_.set_max_block(
            batch_id, node,
            std::min(batch.most_tasks,
                     std::max(executors, executors * distant_block_bytes_per_executor / mean)));
    }
    auto const give_back = [&](wire::TaskRange tasks) {
        // The coordinator drops them when the batch was cancelled: nobody waits for them any more.
        if (batch.cancelled) give_up(batch, tasks.count());
        coordinator_.returned(node, block, {tasks.first, tasks.last});
    };
    auto const again = take_retried(batch, results);
    for (auto& part : without(std::move(results), again)) {
        for (auto const& run : part.runs) {
            progress_.done += run.count();
            batch.final_tasks += run.count();
            batch.attempts.forget(run.first, run.last);
            batch.items.forget(run);
            coordinator_.finished(node, block, {run.first, run.last});
        }
        progress_.done -= part.failures.size();
        progress_.failed += part.failures.size();
        if (!part.runs.empty() || !part.timing.empty()) batch.work->sink->take(std::move(part));
    }
    for (auto const task : again) give_back({task, task + 1});
    for (auto const& range : returned) give_back(range);
    check_failures();
}

void Host::cancel(std::shared_ptr<Work> const& work) {
    std::lock_guard const lock(scheduling_);
    if (auto const found = batches_.find(work->id); found != batches_.end())
        cancel(found->first, found->second);
}

void Host::cancel_all() {
    std::lock_guard const lock(scheduling_);
    for (auto& [id, batch] : batches_) cancel(id, batch);
}

void Host::cancel(sched::BatchId id, Batch& batch) {
    if (batch.cancelled || id >= first_on_each) return;
    batch.cancelled = true;
    if (batch.stream) take_from_stream(id, batch);  // and seals it
    give_up(batch, coordinator_.tasks_unassigned(id));
    coordinator_.cancel(id);
    if (batch.announced)
        post([this, id] {
            for (int const leader : topology_.leaders) send_(leader, wire::CancelBatch{.batch = id});
        });
}

void Host::hand_out() {
    std::uint64_t backlog = 0;
    for (auto& [id, batch] : batches_) {
        // Here, under the lock that its first block is handed out under: the leaders get to know it before.
        if (!std::exchange(batch.announced, true))
            for (int const leader : topology_.leaders) send_(leader, batch.opened);
        if (batch.stream) {
            take_from_stream(id, batch);
            coordinator_.pause(id, batch.work->sink->full());
        }
        backlog = std::max(backlog, batch.work->sink->backlog());
        if (!batch.cancelled && batch.work->sink->broken()) cancel(id, batch);
    }
    coordinator_.hold(backlog >
                      std::min(backlog_most, backlog_per_node * static_cast<std::uint64_t>(topology_.nodes)));
    for (auto const& assignment : coordinator_.take_assignments()) {
        wire::TaskRange const tasks{assignment.tasks.first, assignment.tasks.last};
        send_(topology_.leaders[static_cast<std::size_t>(assignment.node)],
              wire::AssignBlock{.batch = assignment.batch,
                                .block = assignment.block,
                                .tasks = tasks,
                                .asked_for = assignment.asked_for,
                                .payload = items_of(batches_.at(assignment.batch), tasks)});
    }
}

void Host::complete(sched::BatchId id) {
    for (int const leader : topology_.leaders) send_(leader, wire::CloseBatch{.batch = id});
    auto const batch = batches_.extract(id);
    auto const& work = batch.mapped().work;
    auto const why = batch.mapped().left > 0 ? stopped_error() : nullptr;
    if (why) work->sink->cut(why);
    work->sink->finish([completion = work->completion, why](std::exception_ptr error) {
        completion->end(error ? std::move(error) : why);
    });
}

void Host::complete_all() {
    for (auto const id : coordinator_.take_completed()) complete(id);
    active_ = static_cast<std::size_t>(std::count_if(batches_.begin(), batches_.end(), [](auto const& entry) {
        return !entry.second.stream || entry.second.final_tasks < entry.second.tasks;
    }));
}

void Host::tick() {
    rung_ = false;
    // What has been posted comes first: leaders hear of a batch before they get a block of it.
    std::lock_guard const lock(scheduling_);
    std::vector<std::function<void()>> posted;
    {
        std::lock_guard const posting(mutex_);
        posted.swap(posted_);
    }
    for (auto& work : posted) work();
    watch_time();
    hand_out();
    complete_all();
    free_unused_arrays();
}

}  // namespace plenum::pool
