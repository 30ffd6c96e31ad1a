// Which node gets which tasks: the state machine of rank 0, without clock, I/O or threads.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "sched/range_set.hpp"

namespace plenum::sched {

using NodeId = int;
using BatchId = std::uint32_t;
using BlockId = std::uint64_t;

struct BatchSpec {
    std::uint64_t tasks = 0;
    int priority = 0;                 ///< higher first; batches of equal priority take turns, block by block
    std::size_t blocks_per_node = 0;  ///< most of its blocks that a node holds; 0: any number
    bool growing = false;  ///< tasks are added by extend() until seal(); blocks go out without a request
};

struct Limits {
    std::uint64_t max_block_tasks = 1 << 24;
    std::uint64_t first_block_per_executor =
        1024;                    ///< tasks, while a node has no measured time for the batch
    double block_seconds = 0.5;  ///< most work per executor in a block, once measured; at least one task
    double least_block_seconds = 1e-3;  ///< least work per executor in a block, once measured: a round trip
    double growing_seconds = 4e-3;      ///< work per executor that a node holds of a growing batch
    std::uint64_t growing_tasks = 2;    ///< tasks per executor that it holds at least
};

/// One block of consecutive tasks for one node.
struct Assignment {
    NodeId node = 0;
    BatchId batch = 0;
    BlockId block = 0;
    Range tasks;
    bool asked_for = false;  ///< answers request_of()
};

/// Owns the batches and hands blocks of consecutive tasks to nodes by weighted factoring (Hummel, Schmidt,
/// Uma & Wein 1996, Load-sharing in heterogeneous systems via weighted factoring), at node granularity.
///
/// Size of a block: all that remains when there is one node; otherwise remaining * w / (2 * sum of weights),
/// rounded up to whole rounds (the same number of tasks for each executor; with few long tasks a broken round
/// costs a whole one). A node's weight w is its executors times its speed for this batch relative to the mean
/// of the measured executors, so the weights sum to the number of executors. An unmeasured node gets a
/// quarter of its even share: it may be slow. The block is then cut to Limits and to the node's memory
/// (set_max_block). Unassigned tasks are given out lowest first, so those that were returned before those
/// that were never assigned; a block never spans two intervals.
///
/// A growing batch is handed out as its tasks come, without waiting for a request: to the node that holds the
/// fewest of its tasks per executor, one that is busy with other batches coming after one that is not, as
/// long as that is less than Limits::growing_seconds of work.
///
/// Events only record; take_assignments() decides. Memory: O(nodes + batches + intervals), independent of the
/// number of tasks. Cost of an event: O(log n) in the intervals of the block or batch, except where it says
/// otherwise.
///
/// Late messages: events of a node that was lost, or of a block that it held before it was lost and added
/// again, are ignored, as are set_max_block, measured and cancel for a batch that has completed. Anything
/// else that does not fit the state (unknown node, batch or block, tasks that the block does not hold) throws
/// std::logic_error that names it; the state is then unchanged.
class Coordinator {
public:
    /// Limits are positive; only least_block_seconds may be 0.
    explicit Coordinator(Limits limits = {});

    /// A node joins, for the first time or again after node_lost. `executors` is at least 1.
    void add_node(NodeId node, int executors);
    /// A batch without tasks completes at once, unless it grows.
    [[nodiscard]] BatchId add_batch(BatchSpec spec);
    /// Adds tasks at the end of a growing batch that is not sealed.
    void extend(BatchId batch, std::uint64_t tasks);
    /// A growing batch gets no more tasks: it completes when those it has are finished or dropped.
    void seal(BatchId batch);
    /// While paused, only those of its tasks are handed out that were before and came back: whoever reads the
    /// results in order may need them to go on.
    void pause(BatchId batch, bool paused);
    /// Drops those of the tasks that no node holds, and says which. A task that is returned later is not
    /// dropped.
    std::vector<Range> drop(BatchId batch, Range tasks);
    /// The node asks for one more block. The request waits until there is work; a node may have several
    /// waiting.
    void request(NodeId node);
    /// The same for one batch. Forgotten when that has completed.
    void request_of(NodeId node, BatchId batch);
    /// The most tasks of the batch in one block for that node (its memory over the batch's bytes per task).
    /// Unlimited until set; 0: the node gets none of this batch, and the caller sees to it that some node can
    /// take it.
    void set_max_block(BatchId batch, NodeId node, std::uint64_t tasks);
    /// Some tasks of a block reached a final status (done, or failed for good).
    void finished(NodeId node, BlockId block, Range tasks);
    /// Some tasks of a block will not run on that node (an executor died, drain): they go back to the pool.
    void returned(NodeId node, BlockId block, Range tasks);
    /// One task of a block failed for good.
    void failed(NodeId node, BlockId block, std::uint64_t task) { finished(node, block, {task, task + 1}); }
    /// The mean wall time in seconds of one task on one executor of the node, finite and not negative. Later
    /// values count half, older ones the other half.
    void measured(BatchId batch, NodeId node, double task_seconds_mean);
    /// All that the node holds goes back to the pool; its requests are dropped. O(waiting requests +
    /// batches).
    void node_lost(NodeId node);
    /// Drops the tasks that no node holds, now and when they are returned. The batch completes when the
    /// blocks held are finished or returned.
    void cancel(BatchId batch);
    /// While held, take_assignments() gives none (back-pressure, drain); requests and events are still
    /// recorded.
    void hold(bool held) { held_ = held; }

    /// Serves the waiting requests, oldest first, as far as there is work. A request that no batch fits keeps
    /// waiting.
    [[nodiscard]] std::vector<Assignment> take_assignments();
    /// The batches all of whose tasks are finished or dropped, each once. What was reported is forgotten at
    /// the next call: ask for tasks_finished() before that.
    [[nodiscard]] std::vector<BatchId> take_completed();

    [[nodiscard]] std::uint64_t tasks_finished(BatchId batch) const;
    /// Tasks that no node holds and that are neither finished nor dropped.
    [[nodiscard]] std::uint64_t tasks_unassigned(BatchId batch) const;
    /// How many tasks the node holds, over all batches; 0 for a lost node.
    [[nodiscard]] std::uint64_t holds(NodeId node) const;

private:
    struct Block {
        BatchId batch = 0;
        RangeSet tasks;  // not finished yet
    };
    struct Node {
        int executors = 0;
        bool alive = false;
        BlockId first_block = 0;  // older block numbers belong to an earlier life
        std::map<BlockId, Block> blocks = {};
        std::uint64_t held = 0;  // tasks in them
    };
    struct NodeShare {  // what one batch knows about one node
        std::uint64_t max_block = std::numeric_limits<std::uint64_t>::max();
        double task_seconds = 0;  // 0: not measured
        std::uint64_t held = 0;   // tasks of the batch in blocks of the node
    };
    struct Batch {
        BatchId id = 0;
        BatchSpec spec;
        RangeSet unassigned;
        std::uint64_t turn = 0;  // when it was served last
        std::uint64_t held = 0;  // tasks in blocks
        std::uint64_t finished = 0;
        std::uint64_t fresh = 0;  // tasks from here on were never handed out
        bool paused = false;
        bool sealed = false;
        bool cancelled = false;
        bool complete = false;
        std::unordered_map<NodeId, NodeShare> shares;
        std::int64_t measured_executors = 0;  // over the measured nodes: sum of executors
        double measured_speed = 0;            // and of executors / task_seconds
    };
    struct Turn {  // order in which batches are served
        int priority;
        std::uint64_t turn;
        BatchId batch;
        friend bool operator<(Turn const& a, Turn const& b) {
            return std::tuple(-a.priority, a.turn, a.batch) < std::tuple(-b.priority, b.turn, b.batch);
        }
    };

    Node* alive_node(NodeId id);
    Batch* live_batch(BatchId id);
    Batch const& known_batch(BatchId id) const;
    /// Takes the tasks out of the block and says which batch they belong to; nothing for a late message.
    Batch* take_from_block(NodeId node, BlockId block, Range tasks, char const* event);
    /// Brings turns_ and completed_ in line with the batch after its numbers changed.
    void settle(Batch& batch);
    [[nodiscard]] bool holds_enough(Batch const& batch, Node const& node) const;
    bool serve(NodeId node, std::vector<Assignment>& out);
    void serve_growing(Batch& batch, std::vector<Assignment>& out);
    void assign(Batch& batch, NodeId node, std::uint64_t size, std::vector<Assignment>& out);
    /// Tasks of the batch per executor, and one more where tasks of others keep all executors busy.
    [[nodiscard]] double load_of(Batch const& batch, NodeId id, Node const& node) const;
    std::uint64_t growing_room(Batch const& batch, NodeId id, Node const& node) const;
    std::uint64_t block_size(Batch const& batch, NodeId id, Node const& node) const;
    static void set_task_seconds(Batch& batch, Node const& node, NodeShare& share, double seconds);

    Limits limits_;
    bool held_ = false;
    std::unordered_map<NodeId, Node> nodes_;
    std::int64_t alive_nodes_ = 0;
    std::int64_t alive_executors_ = 0;
    std::map<BatchId, Batch> batches_;
    std::set<Turn> turns_;       // sized batches with unassigned tasks
    std::set<BatchId> growing_;  // growing batches with unassigned tasks
    std::uint64_t next_turn_ = 0;
    std::deque<NodeId> waiting_;
    std::vector<std::pair<NodeId, BatchId>> waiting_for_;
    std::vector<BatchId> completed_, reported_;
    BatchId next_batch_ = 0;
    BlockId next_block_ = 0;
};

}  // namespace plenum::sched
