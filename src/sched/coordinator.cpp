#include "sched/coordinator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace plenum::sched {
namespace {

/// Rounds a number of tasks that may exceed what an integer holds.
std::uint64_t as_count(double tasks) {
    return tasks < 0x1p62 ? static_cast<std::uint64_t>(tasks) : 1ull << 62;
}

/// A node of unknown speed may be the slowest: its first two blocks (one is asked for ahead) must not outlast
/// the rest.
constexpr double unmeasured_speed = 0.25;

}  // namespace

Coordinator::Coordinator(Limits limits) : limits_(limits) {
    if (limits.max_block_tasks == 0 || limits.first_block_per_executor == 0 || !(limits.block_seconds > 0) ||
        !(limits.least_block_seconds >= 0))
        throw std::logic_error(fmt::format("limits of {} and {} tasks, {} and {} s (they must be positive)",
                                           limits.max_block_tasks, limits.first_block_per_executor,
                                           limits.block_seconds, limits.least_block_seconds));
}

void Coordinator::add_node(NodeId id, int executors) {
    if (executors < 1) throw std::logic_error(fmt::format("node {} with {} executors", id, executors));
    auto const [entry, is_new] = nodes_.try_emplace(id);
    auto& node = entry->second;
    if (node.alive) throw std::logic_error(fmt::format("node {} is added twice", id));
    node = {.executors = executors, .alive = true, .first_block = is_new ? 0 : next_block_};
    ++alive_nodes_;
    alive_executors_ += executors;
}

BatchId Coordinator::add_batch(BatchSpec spec) {
    auto const id = next_batch_++;
    auto& batch = batches_[id];
    batch.id = id;
    batch.spec = spec;
    batch.sealed = !spec.growing;
    batch.unassigned.add({0, spec.tasks});
    settle(batch);
    return id;
}

void Coordinator::extend(BatchId id, std::uint64_t tasks) {
    auto* const batch = live_batch(id);
    if (!batch || batch->sealed) throw std::logic_error(fmt::format("batch {} does not grow", id));
    auto const first = batch->spec.tasks;
    batch->spec.tasks += tasks;
    if (!batch->cancelled) batch->unassigned.add({first, batch->spec.tasks});
    settle(*batch);
}

void Coordinator::pause(BatchId id, bool paused) {
    if (auto* const batch = live_batch(id)) batch->paused = paused;
}

void Coordinator::seal(BatchId id) {
    auto* const batch = live_batch(id);
    if (!batch) return;
    batch->sealed = true;
    settle(*batch);
}

std::vector<Range> Coordinator::drop(BatchId id, Range tasks) {
    auto* const batch = live_batch(id);
    if (!batch) return {};
    auto dropped = batch->unassigned.extract(tasks);
    settle(*batch);
    return dropped;
}

void Coordinator::request(NodeId node) {
    if (alive_node(node)) waiting_.push_back(node);
}

void Coordinator::request_of(NodeId node, BatchId batch) {
    if (alive_node(node) && live_batch(batch)) waiting_for_.emplace_back(node, batch);
}

void Coordinator::set_max_block(BatchId batch_id, NodeId node, std::uint64_t tasks) {
    auto* const batch = live_batch(batch_id);
    if (alive_node(node) && batch) batch->shares[node].max_block = tasks;
}

void Coordinator::finished(NodeId node, BlockId block, Range tasks) {
    auto* const batch = take_from_block(node, block, tasks, "finished");
    if (!batch) return;
    batch->finished += tasks.size();
    settle(*batch);
}

void Coordinator::returned(NodeId node, BlockId block, Range tasks) {
    auto* const batch = take_from_block(node, block, tasks, "returned");
    if (!batch) return;
    if (!batch->cancelled) batch->unassigned.add(tasks);
    settle(*batch);
}

void Coordinator::measured(BatchId batch_id, NodeId id, double task_seconds_mean) {
    if (!(task_seconds_mean >= 0) || !std::isfinite(task_seconds_mean))
        throw std::logic_error(fmt::format("node {}: mean task time of {} s", id, task_seconds_mean));
    auto* const batch = live_batch(batch_id);
    auto* const node = alive_node(id);
    if (!batch || !node) return;
    auto& share = batch->shares[id];
    auto const latest = std::max(task_seconds_mean, 1e-9);  // a coarse clock says 0
    set_task_seconds(*batch, *node, share,
                     share.task_seconds > 0 ? (share.task_seconds + latest) / 2 : latest);
}

void Coordinator::node_lost(NodeId id) {
    auto* const node = alive_node(id);
    if (!node) return;
    for (auto& [block_id, block] : std::exchange(node->blocks, {})) {
        auto& batch = batches_.at(block.batch);
        batch.held -= block.tasks.count();
        if (!batch.cancelled)
            for (auto const& [first, last] : block.tasks.intervals()) batch.unassigned.add({first, last});
        settle(batch);
    }
    for (auto& [batch_id, batch] : batches_)
        if (auto const share = batch.shares.find(id); share != batch.shares.end()) {
            set_task_seconds(batch, *node, share->second, 0);
            batch.shares.erase(share);
        }
    std::erase(waiting_, id);
    std::erase_if(waiting_for_, [id](auto const& request) { return request.first == id; });
    node->held = 0;
    node->alive = false;
    --alive_nodes_;
    alive_executors_ -= node->executors;
}

void Coordinator::cancel(BatchId id) {
    auto* const batch = live_batch(id);
    if (!batch) return;
    batch->cancelled = true;
    batch->unassigned.clear();
    settle(*batch);
}

std::vector<Assignment> Coordinator::take_assignments() {
    std::vector<Assignment> assignments;
    if (held_) return assignments;
    for (auto const id : std::vector(growing_.begin(), growing_.end()))
        serve_growing(batches_.at(id), assignments);
    std::erase_if(waiting_for_, [&](auto const& request) {
        auto* const batch = live_batch(request.second);
        if (batch == nullptr) return true;
        if (batch->unassigned.empty()) return false;
        auto const size = block_size(*batch, request.first, nodes_.at(request.first));
        if (size == 0) return false;
        assign(*batch, request.first, size, assignments);
        assignments.back().asked_for = true;
        return true;
    });
    std::deque<NodeId> unserved;
    while (!waiting_.empty() && !turns_.empty()) {
        auto const node = waiting_.front();
        waiting_.pop_front();
        if (!serve(node, assignments)) unserved.push_back(node);
    }
    waiting_.insert(waiting_.begin(), unserved.begin(), unserved.end());
    return assignments;
}

std::vector<BatchId> Coordinator::take_completed() {
    for (auto const batch : reported_) batches_.erase(batch);
    return reported_ = std::exchange(completed_, {});
}

std::uint64_t Coordinator::tasks_finished(BatchId batch) const {
    return known_batch(batch).finished;
}

std::uint64_t Coordinator::tasks_unassigned(BatchId batch) const {
    return known_batch(batch).unassigned.count();
}

std::uint64_t Coordinator::holds(NodeId id) const {
    auto const node = nodes_.find(id);
    if (node == nodes_.end()) throw std::logic_error(fmt::format("unknown node {}", id));
    return node->second.held;
}

double Coordinator::load_of(Batch const& batch, NodeId id, Node const& node) const {
    auto const share = batch.shares.find(id);
    auto const own = share == batch.shares.end() ? 0 : share->second.held;
    auto const executors = static_cast<double>(node.executors);
    auto const others = static_cast<double>(node.held - own) / executors;
    return static_cast<double>(own) / executors + std::min(1.0, others);
}

/// Nothing when the node was lost.
Coordinator::Node* Coordinator::alive_node(NodeId id) {
    auto const node = nodes_.find(id);
    if (node == nodes_.end()) throw std::logic_error(fmt::format("unknown node {}", id));
    return node->second.alive ? &node->second : nullptr;
}

/// Nothing when the batch has completed.
Coordinator::Batch* Coordinator::live_batch(BatchId id) {
    if (id >= next_batch_) throw std::logic_error(fmt::format("unknown batch {}", id));
    auto const batch = batches_.find(id);
    return batch == batches_.end() || batch->second.complete ? nullptr : &batch->second;
}

Coordinator::Batch const& Coordinator::known_batch(BatchId id) const {
    auto const batch = batches_.find(id);
    if (batch == batches_.end())
        throw std::logic_error(fmt::format("batch {} is unknown or was reported complete and forgotten", id));
    return batch->second;
}

Coordinator::Batch* Coordinator::take_from_block(NodeId node_id, BlockId block_id, Range tasks,
                                                 char const* event) {
    auto* const node = alive_node(node_id);
    if (!node || block_id < node->first_block) return nullptr;
    auto const found = node->blocks.find(block_id);
    if (found == node->blocks.end() || tasks.last < tasks.first || !found->second.tasks.contains(tasks))
        throw std::logic_error(
            fmt::format("tasks [{}, {}) of block {} are {} on node {}, which does not hold them", tasks.first,
                        tasks.last, block_id, event, node_id));
    auto& block = found->second;
    auto& batch = batches_.at(block.batch);
    block.tasks.remove(tasks);
    batch.held -= tasks.size();
    node->held -= tasks.size();
    if (auto const share = batch.shares.find(node_id); share != batch.shares.end())
        share->second.held -= tasks.size();
    if (block.tasks.empty()) node->blocks.erase(found);
    return &batch;
}

void Coordinator::settle(Batch& batch) {
    if (!batch.unassigned.empty()) {
        if (batch.spec.growing)
            growing_.insert(batch.id);
        else
            turns_.insert({batch.spec.priority, batch.turn, batch.id});
        return;
    }
    growing_.erase(batch.id);
    turns_.erase({batch.spec.priority, batch.turn, batch.id});
    if (batch.held > 0 || batch.complete || !batch.sealed) return;
    batch.complete = true;
    batch.shares.clear();
    completed_.push_back(batch.id);
}

void Coordinator::assign(Batch& batch, NodeId id, std::uint64_t size, std::vector<Assignment>& out) {
    auto const tasks = batch.unassigned.take_front(size);
    batch.fresh = std::max(batch.fresh, tasks.last);
    batch.held += tasks.size();
    batch.shares[id].held += tasks.size();
    nodes_.at(id).held += tasks.size();
    auto const block = next_block_++;
    nodes_.at(id).blocks.emplace(block, Block{.batch = batch.id, .tasks = RangeSet(tasks)});
    out.push_back({.node = id, .batch = batch.id, .block = block, .tasks = tasks});
    turns_.erase({batch.spec.priority, batch.turn, batch.id});
    batch.turn = ++next_turn_;
    settle(batch);
}

/// A node that may run few tasks of the batch at once would only hoard more, and leave no room for others.
bool Coordinator::holds_enough(Batch const& batch, Node const& node) const {
    if (batch.spec.blocks_per_node == 0) return false;
    auto const blocks =
        std::ranges::count_if(node.blocks, [&](auto const& held) { return held.second.batch == batch.id; });
    return static_cast<std::size_t>(blocks) >= batch.spec.blocks_per_node;
}

/// Gives the node one block of the first batch that it has memory for.
bool Coordinator::serve(NodeId id, std::vector<Assignment>& out) {
    auto const& node = nodes_.at(id);
    for (auto const& turn : turns_) {
        auto& batch = batches_.at(turn.batch);
        if (holds_enough(batch, node)) continue;
        auto const size = block_size(batch, id, node);
        if (size == 0) continue;
        assign(batch, id, size, out);  // `turn` is no longer there
        return true;
    }
    return false;
}

void Coordinator::serve_growing(Batch& batch, std::vector<Assignment>& out) {
    while (!batch.unassigned.empty()) {
        auto const first = batch.unassigned.intervals().begin()->first;
        if (batch.paused && first >= batch.fresh) return;
        NodeId best = -1;
        double least = std::numeric_limits<double>::infinity();
        std::uint64_t room = 0;
        for (auto const& [id, node] : nodes_) {
            if (!node.alive || holds_enough(batch, node)) continue;
            auto const here = growing_room(batch, id, node);
            if (here == 0) continue;
            auto const load = load_of(batch, id, node);
            if (load > least || (load == least && id > best)) continue;
            best = id;
            least = load;
            room = here;
        }
        if (room == 0) return;
        if (batch.paused) room = std::min(room, batch.fresh - first);
        if (alive_nodes_ > 1) {
            // One round at a time, so that the nodes get equal shares of what is there.
            auto const executors = static_cast<std::uint64_t>(nodes_.at(best).executors);
            auto const even =
                batch.unassigned.count() * executors / static_cast<std::uint64_t>(alive_executors_);
            room = std::min(room, std::max(executors, even));
        }
        assign(batch, best, room, out);
    }
}

std::uint64_t Coordinator::growing_room(Batch const& batch, NodeId id, Node const& node) const {
    auto const found = batch.shares.find(id);
    auto const share = found == batch.shares.end() ? NodeShare{} : found->second;
    auto const timely = share.task_seconds > 0 ? as_count(limits_.growing_seconds / share.task_seconds) : 0;
    auto const most = std::max(limits_.growing_tasks, timely) * static_cast<std::uint64_t>(node.executors);
    if (share.held >= most) return 0;
    return std::min({most - share.held, limits_.max_block_tasks, share.max_block});
}

std::uint64_t Coordinator::block_size(Batch const& batch, NodeId id, Node const& node) const {
    auto const found = batch.shares.find(id);
    auto const share = found == batch.shares.end() ? NodeShare{} : found->second;
    bool const measured = share.task_seconds > 0;
    auto const executors = static_cast<std::uint64_t>(node.executors);
    auto const remaining = batch.unassigned.count();

    auto wanted = remaining;
    if (alive_nodes_ > 1) {
        auto const speed = measured ? static_cast<double>(batch.measured_executors) /
                                          (share.task_seconds * batch.measured_speed)
                                    : unmeasured_speed;
        auto const even = static_cast<double>(remaining) / static_cast<double>(alive_executors_);
        auto const least = measured ? limits_.least_block_seconds / share.task_seconds : 0;
        auto const rounds = std::ceil(std::max(even * speed / 2, least));
        wanted = std::max(executors, as_count(rounds * node.executors));
    }
    auto const per_executor = measured ? limits_.block_seconds / share.task_seconds
                                       : static_cast<double>(limits_.first_block_per_executor);
    auto const timely = std::max(executors, as_count(per_executor * node.executors));
    return std::min({wanted, remaining, timely, limits_.max_block_tasks, share.max_block});
}

void Coordinator::set_task_seconds(Batch& batch, Node const& node, NodeShare& share, double seconds) {
    if (share.task_seconds > 0) {
        batch.measured_executors -= node.executors;
        batch.measured_speed -= node.executors / share.task_seconds;
    }
    if (batch.measured_executors == 0) batch.measured_speed = 0;  // no rounding error is left behind
    if (seconds > 0) {
        batch.measured_executors += node.executors;
        batch.measured_speed += node.executors / seconds;
    }
    share.task_seconds = seconds;
}

}  // namespace plenum::sched
