#include "pool/host.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <plenum/error.hpp>

#include "base/memory_limits.hpp"
#include "base/units.hpp"

namespace plenum::pool {
namespace {

constexpr auto page = base::page_most;
constexpr std::uint64_t piece_bytes = 16 << 20;  // of an array on its way between nodes
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

/// Bytes of the largest item of varying size.
std::uint64_t largest_item(detail::BatchRequest const& request) {
    std::uint64_t largest = 0;
    for (std::size_t i = 1; i < request.item_offsets.size(); ++i)
        largest = std::max(largest, request.item_offsets[i] - request.item_offsets[i - 1]);
    return largest;
}

}  // namespace

std::vector<int> tree_children(int node, int nodes) {
    std::vector<int> children;
    for (int child = 2 * node + 1; child <= 2 * node + 2 && child < nodes; ++child) children.push_back(child);
    return children;
}

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

void Host::post(std::function<void()> work) {
    {
        std::lock_guard const lock(mutex_);
        posted_.push_back(std::move(work));
    }
    ringer_.ring(bell_);
}

void Host::run(detail::BatchRequest const& request, BatchSink& sink,
               std::optional<std::uint64_t> direct_offset, bool timing) {
    std::promise<void> done;
    auto future = done.get_future();
    auto const shared = std::make_shared<std::promise<void>>(std::move(done));
    post([this, &request, &sink, direct_offset, timing, shared] {
        start(request, sink, direct_offset, timing, std::move(*shared));
    });
    future.get();
    auto const stored =
        std::make_shared<std::promise<void>>();  // the writer's thread may be the last to hold it
    auto stored_future = stored->get_future();
    sink.finish([stored](std::exception_ptr error) {
        if (error)
            stored->set_exception(error);
        else
            stored->set_value();
    });
    stored_future.get();
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

void Host::start(detail::BatchRequest const& request, BatchSink& sink,
                 std::optional<std::uint64_t> direct_offset, bool timing, std::promise<void> done) {
    auto technique = options_.schedule;
    if (!request.schedule.empty()) {
        auto const named = sched::technique_named(request.schedule);
        if (!named) {
            done.set_exception(std::make_exception_ptr(UsageError(fmt::format(
                "unknown schedule '{}'; use auto, static, ss, gss, tss or fac2", request.schedule))));
            return;
        }
        technique = *named;
    }
    wire::OpenBatch open{
        .function = request.function,
        .tasks = request.tasks,
        .stride = request.stride,
        .schedule = static_cast<std::uint8_t>(technique),
        .chunk_size = std::min(request.chunk_size != 0 ? request.chunk_size : options_.chunk_size,
                               std::max<std::uint64_t>(1, request.tasks)),
        .tasks_per_executor =
            request.tasks_per_executor != 0 ? request.tasks_per_executor : options_.tasks_per_executor,
        .running_per_node = request.running_per_node,
        .item_stride = request.item_stride,
        .varying_items = !request.item_offsets.empty(),
        .timing = timing,
        .direct = direct_offset.has_value(),
        .direct_offset = direct_offset.value_or(0),
        .payload = wire::Payload::of(request.state)};

    auto const largest = largest_item(request);
    std::vector<std::uint64_t> most;  // tasks of a block, for each node
    for (int n = 0; n < topology_.nodes; ++n) {
        auto const per_task = block_bytes_per_task(open, n == topology_.node_of[0], largest);
        most.push_back(most_tasks_of_block(open, per_task, n));
        if (most.back() != 0) continue;
        done.set_exception(std::make_exception_ptr(EnvironmentError(fmt::format(
            "one task needs {} of node memory for its result and item, and the function {}, but only {} of "
            "{} may be "
            "on their way; give more with --node-memory",
            base::format_bytes(per_task), base::format_bytes(request.state.size()),
            base::format_bytes(uncommitted_limit(node_.bytes())), base::format_bytes(node_.bytes())))));
        return;
    }

    auto const most_of_any = *std::min_element(most.begin(), most.end());
    // Results of varying length: few tasks at first, more when their mean size is known.
    if (open.stride == 0)
        for (int n = 0; n < topology_.nodes; ++n)
            most[static_cast<std::size_t>(n)] =
                std::min(most[static_cast<std::size_t>(n)],
                         first_varying_per_executor * static_cast<std::uint64_t>(executors_on(n)));

    auto const id = coordinator_.add_batch(
        {.tasks = request.tasks,
         .blocks_per_node = request.running_per_node == 0 ? 0 : limited_blocks_per_node});
    for (int n = 0; n < topology_.nodes; ++n)
        coordinator_.set_max_block(id, n, most[static_cast<std::size_t>(n)]);
    open.batch = id;
    for (int const leader : topology_.leaders) send_(leader, open);
    progress_.tasks += request.tasks;
    auto& batch = batches_[id];
    batch.request = &request;
    batch.sink = &sink;
    batch.most_tasks = most_of_any;
    batch.done = std::move(done);
}

wire::Payload Host::items_of(detail::BatchRequest const& request, wire::TaskRange tasks) const {
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
    coordinator_.request(request.node);
}

void Host::on(wire::BlockResults results) {
    auto const node = results.node;
    auto const block = results.block;
    auto const batch_id = results.batch;
    auto const runs = results.runs;
    auto const returned = results.returned;
    if (results.mean_task_seconds > 0) coordinator_.measured(batch_id, node, results.mean_task_seconds);
    std::uint64_t count = 0;
    for (auto const& run : runs) count += run.count();
    progress_.done += count - results.failures.size();
    progress_.failed += results.failures.size();
    auto& batch = batches_.at(batch_id);
    if (!results.lengths.empty()) {
        batch.varying_tasks += count;
        batch.varying_bytes += results.payload.bytes.size();
        auto const executors = static_cast<std::uint64_t>(executors_on(node));
        auto const mean = std::max<std::uint64_t>(1, batch.varying_bytes / batch.varying_tasks);
        coordinator_.set_max_block(
            batch_id, node,
            std::min(batch.most_tasks,
                     std::max(executors, executors * distant_block_bytes_per_executor / mean)));
    }
    if (count > 0 || !results.timing.empty()) batch.sink->take(std::move(results));
    for (auto const& run : runs) coordinator_.finished(node, block, {run.first, run.last});
    for (auto const& range : returned) coordinator_.returned(node, block, {range.first, range.last});
}

void Host::tick() {
    std::vector<std::function<void()>> posted;
    {
        std::lock_guard const lock(mutex_);
        posted.swap(posted_);
    }
    for (auto& work : posted) work();

    std::uint64_t backlog = 0;
    for (auto& [id, batch] : batches_) {
        backlog = std::max(backlog, batch.sink->backlog());
        if (!batch.cancelled && batch.sink->broken()) {
            batch.cancelled = true;
            coordinator_.cancel(id);
        }
    }
    coordinator_.hold(backlog >
                      std::min(backlog_most, backlog_per_node * static_cast<std::uint64_t>(topology_.nodes)));
    for (auto const& assignment : coordinator_.take_assignments()) {
        wire::TaskRange const tasks{assignment.tasks.first, assignment.tasks.last};
        auto const& batch = batches_.at(assignment.batch);
        send_(topology_.leaders[static_cast<std::size_t>(assignment.node)],
              wire::AssignBlock{.batch = assignment.batch,
                                .block = assignment.block,
                                .tasks = tasks,
                                .payload = items_of(*batch.request, tasks)});
    }
    for (auto const id : coordinator_.take_completed()) {
        for (int const leader : topology_.leaders) send_(leader, wire::CloseBatch{.batch = id});
        auto node = batches_.extract(id);
        node.mapped().done.set_value();
    }
}

// ---- shared arrays ----

void Host::ask(wire::ArrayStep::Step step, std::uint64_t offset, std::uint64_t bytes, bool leaders_only) {
    std::promise<void> done;
    auto future = done.get_future();
    auto const shared = std::make_shared<std::promise<void>>(std::move(done));
    post([this, step, offset, bytes, leaders_only, shared] {
        auto const id = next_array_id_++;
        array_step_.emplace(ArrayStep{.id = id, .answers_due = 0, .problem = {}, .done = std::move(*shared)});
        array_step_->answers_due = static_cast<std::size_t>(leaders_only ? topology_.nodes : topology_.ranks);
        // Leaders hand on what concerns all ranks of their node.
        for (int const leader : topology_.leaders)
            send_(leader, wire::ArrayStep{.step = step, .id = id, .offset = offset, .bytes = bytes});
    });
    future.get();
}

void Host::on(wire::ArrayVerdict const& verdict) {
    if (!array_step_ || array_step_->id != verdict.id) return;
    if (!verdict.problem.empty() && array_step_->problem.empty()) array_step_->problem = verdict.problem;
    if (--array_step_->answers_due > 0) return;
    auto step = std::move(*array_step_);
    array_step_.reset();
    if (step.problem.empty())
        step.done.set_value();
    else
        step.done.set_exception(std::make_exception_ptr(EnvironmentError(step.problem)));
}

std::uint64_t Host::place_array(std::uint64_t bytes) {
    auto const offset = arrays_.allocate(bytes);
    if (!offset)
        throw EnvironmentError(
            fmt::format("a shared array of {} does not fit ({} of {} for arrays are in use, the largest gap "
                        "is {}); use smaller "
                        "ones, or give more with --node-memory (now {})",
                        base::format_bytes(bytes), base::format_bytes(arrays_.used()),
                        base::format_bytes(arrays_.capacity()), base::format_bytes(arrays_.largest_hole()),
                        base::format_bytes(node_.bytes() / 2)));
    array_bytes_[*offset] = bytes;
    try {
        ask(wire::ArrayStep::Step::check, *offset, bytes, true);
        ask(wire::ArrayStep::Step::populate, *offset, bytes, false);
    } catch (...) {
        free_array(*offset);
        throw;
    }
    return *offset;
}

void Host::publish_array(std::uint64_t offset, std::uint64_t bytes) {
    if (topology_.nodes == 1 || bytes == 0) return;  // nothing to send, and no answer to wait for
    std::promise<void> done;
    auto future = done.get_future();
    auto const shared = std::make_shared<std::promise<void>>(std::move(done));
    post([this, offset, bytes, shared] { send_array(offset, bytes, std::move(*shared)); });
    future.get();
}

void Host::send_array(std::uint64_t offset, std::uint64_t bytes, std::promise<void> done) {
    auto const id = next_array_id_++;
    array_step_.emplace(ArrayStep{.id = id,
                                  .answers_due = static_cast<std::size_t>(topology_.nodes - 1),
                                  .problem = {},
                                  .done = std::move(done)});
    for (std::uint64_t at = 0; at < bytes; at += piece_bytes) {
        auto const size = std::min(piece_bytes, bytes - at);
        for (int const child : tree_children(0, topology_.nodes))
            send_(topology_.leaders[static_cast<std::size_t>(child)],
                  wire::ArrayPiece{.id = id,
                                   .offset = offset + at,
                                   .last = at + size == bytes,
                                   .payload = {nullptr, {node_.base() + offset + at, size}}});
    }
}

void Host::free_array(std::uint64_t offset) noexcept {
    // In order with later steps: whoever reuses the range asks after this.
    auto const bytes = array_bytes_.at(offset);
    array_bytes_.erase(offset);
    arrays_.free(offset);
    post([this, offset, bytes] {
        for (int const leader : topology_.leaders)
            send_(leader,
                  wire::ArrayStep{
                      .step = wire::ArrayStep::Step::free, .id = 0, .offset = offset, .bytes = bytes});
    });
}

}  // namespace plenum::pool
