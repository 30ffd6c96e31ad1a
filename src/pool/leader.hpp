// A node's side of the scheduling: places blocks in the node queue, sends what is final to rank 0, recovers
// what dead executors have left, asks for the next block before the queue runs dry.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <plenum/detail/chunk_call.hpp>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/doorbell.hpp"
#include "pool/node_layout.hpp"
#include "pool/result_ring.hpp"
#include "pool/segment_pool.hpp"
#include "pool/task_times.hpp"
#include "wire/messages.hpp"

namespace plenum::pool {

/// Most bytes of results on a node that rank 0 has not taken yet.
[[nodiscard]] std::uint64_t uncommitted_limit(std::uint64_t node_memory_bytes) noexcept;

/// Bytes of node memory that a block needs for each of its tasks, at most. Direct results take none on the
/// node of rank 0 alone: elsewhere they wait to be sent.
[[nodiscard]] std::uint64_t block_bytes_per_task(wire::OpenBatch const& batch, bool on_rank_zeros_node,
                                                 std::uint64_t largest_item) noexcept;

class Leader {
public:
    using Send = std::function<void(wire::Message)>;  ///< to rank 0

    struct Place {
        int node = 0, nodes = 1;
        bool is_rank_zero = false;  ///< results of direct batches stay where they are
    };
    Leader(NodeView node, Place place, SegmentPool& segments, Send send);

    void open(wire::OpenBatch batch);
    void close(wire::CloseBatch batch);
    /// Returns the tasks of the batch that have not started: those that no executor has claimed at once,
    /// those of long chunks when the task at work has ended.
    void cancel(wire::CancelBatch batch);
    /// Parents kill the executors that are at work, and their tasks are returned.
    void abandon();
    void assign(wire::AssignBlock block);
    /// Looks after the queue. Short: a walk over the slots and cells. Never blocks.
    void tick();
    /// Blocks are here, or something else needs the next tick soon.
    [[nodiscard]] bool busy() const noexcept;

private:
    struct Batch {
        wire::OpenBatch spec;
        std::shared_ptr<std::uint64_t const> function;  // offset of the function object
        std::uint64_t permits_offset = 0, permits = 0;  // behind it; see BlockSlot
        std::uint64_t last_end_ns = 0;                  // on this node's clock; see BlockSlot
    };
    struct Varying {  // result of a task, copied out of the ring
        std::uint64_t task;
        Bytes bytes;
    };
    struct Block {  // what the leader knows about the block of a slot
        std::uint64_t id = 0;
        std::uint32_t batch = 0;
        std::shared_ptr<std::uint64_t const> segment;
        std::shared_ptr<std::uint64_t const> function;
        std::vector<wire::Failure> failures;
        std::vector<Varying> varying;
        std::uint64_t varying_bytes = 0;
        bool all_done = true;    // no failure, no dead executor: no need to look at each status
        std::vector<bool> sent;  // empty: nothing was sent yet
        std::uint64_t posted_ns = 0;
        std::uint64_t last_sent_ns = 0;
        std::uint64_t times_taken = 0;  // rows of times that were sent
        bool flush_now = false;
        bool in_place = false;  // results are where they stay
    };
    struct Recovery {  // of a claim that a dead executor did not publish
        int cell;
        std::uint64_t counter;     // of the slot, read after the death
        std::vector<bool> passed;  // live executors that have been seen outside of a claim since
        std::vector<std::pair<std::uint64_t, std::uint64_t>> owned;  // what they owned then
    };

    struct OnTheWay {  // results of varying length that rank 0 has not stored yet
        std::atomic<std::uint64_t> bytes{0};
        base::DoorbellAddress bell;
        base::Ringer ringer;
    };

    /// Counts `bytes` as on the way until the pointer is let go.
    [[nodiscard]] std::shared_ptr<void const> on_the_way(std::uint64_t bytes);
    [[nodiscard]] bool place(wire::AssignBlock& assignment);
    [[nodiscard]] bool place_function(Batch& batch);
    /// Tells executors which batches have tasks left.
    void announce();
    void plan(BlockSlot& slot, int index, wire::OpenBatch const& spec);
    void harvest();
    void recover();
    void recover_owned(int cell_index, BlockSlot& slot, Block& block);
    [[nodiscard]] bool recover_claim(Recovery& recovery);
    void release_cell(int cell_index);
    void free_permits_of(int cell_index);
    /// Gives the pending ones of [first, last) that status.
    void mark(BlockSlot& slot, std::uint64_t first, std::uint64_t last, detail::TaskStatus as);
    static void add_finished(ExecutorCell const& cell,
                             std::vector<std::pair<std::uint64_t, std::uint64_t>>& ranges);
    void charge(BlockSlot& slot, Block& block, ExecutorCell& cell, std::uint64_t task);
    [[nodiscard]] bool exhausted_and_idle(int index) const;
    /// Marks as done what executors have finished of the block and not told yet: tasks of the chunk at work,
    /// which may be long, and short chunks before a long task.
    void mark_finished(int index);
    void collect(int index, bool complete);
    /// Rows of times that have come since the last call; all that will ever come when the block is complete.
    void take_times(BlockSlot& slot, Block& block, bool complete, std::vector<wire::Timing>& times);
    void send_run(BlockSlot& slot, Block& block, wire::BlockResults&& results);
    [[nodiscard]] TaskTimes task_times(std::uint32_t batch) const;
    /// Batches of which this node has no tasks left, when there are several: they cannot take their turn
    /// here.
    [[nodiscard]] std::set<std::uint32_t> lacking_batches() const;
    [[nodiscard]] bool wants_block() const;
    void request_blocks();
    [[nodiscard]] int open_blocks() const;
    [[nodiscard]] std::optional<int> slot_of(std::uint64_t sequence) const;

    NodeView node_;
    Place place_;
    SegmentPool& segments_;
    Send send_;
    std::unordered_map<std::uint32_t, Batch> batches_;
    std::vector<Block> blocks_;              // one for each slot
    std::deque<wire::AssignBlock> waiting_;  // assigned, no room yet
    std::vector<Recovery> recoveries_;
    int requested_ = 0;
    std::set<std::uint32_t> asked_for_;  // batches of which one block more was requested
    std::uint64_t next_sequence_ = 1;
    std::shared_ptr<OnTheWay> on_the_way_;
    base::Ringer ringer_;
};

}  // namespace plenum::pool
