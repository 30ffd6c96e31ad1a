// Runs tasks: claims chunks of the node queue, calls the task function, publishes what is done. No MPI here.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <plenum/detail/chunk_call.hpp>
#include <plenum/detail/worker_table.hpp>
#include <vector>

#include "base/doorbell.hpp"
#include "io/packed_result.hpp"
#include "pool/node_layout.hpp"
#include "pool/output_marker.hpp"

namespace plenum::pool {

class ExecutorPort;

/// Loop of one executor. Used by the forked child, and by a thread of the parent with --isolation none.
class Executor {
public:
    enum class End {
        stopped,    ///< the node has stopped
        life_over,  ///< it has run as many tasks as a batch allows: a fresh executor takes its place
    };
    /// `actors`: the way of its tasks to actors, if there is one; outlives this.
    Executor(NodeView node, int index, OutputPipes pipes, ExecutorPort* actors = nullptr);
    /// Runs until the node stops or its life is over. Sleeps on the node's futex when there is nothing to do.
    [[nodiscard]] End run();
    /// Ends the worker states that its tasks have made, and tells rank 0 how. For the planned end of an
    /// executor that will be replaced, on the thread of run().
    void leave_states();

private:
    static constexpr std::size_t slot_alignment = 64;
    struct ChunkRange {
        std::uint64_t first, last;
    };

    [[nodiscard]] End serve();
    /// The last that an executor does, unless it dies: nothing of a block is open, no task is charged any
    /// more.
    void leave();
    /// Claims and runs tasks while there are any; whether it entered a slot, where its leader may have seen
    /// it.
    [[nodiscard]] bool work();
    [[nodiscard]] int next_open_slot();
    [[nodiscard]] bool has_free_permit(BlockSlot const& slot) const;
    /// True when the slot's batch may run here: with one of its permits, or without where it needs none.
    [[nodiscard]] bool take_permit(BlockSlot const& slot);
    void give_permit_back();
    /// A task of the slot's batch that starts now would probably end too late, as those of this executor took
    /// so long. Rank 0 decides the same from all results, but only when it has them.
    [[nodiscard]] bool is_too_late(BlockSlot const& slot, std::uint64_t now) const;
    [[nodiscard]] bool has_task_here(BlockSlot const& slot) const;
    /// In a block of ChunkMode::each: the task of this executor, or slot.units when it has run.
    [[nodiscard]] std::uint64_t own_unit(BlockSlot const& slot) const;
    void run_slot(int index);
    [[nodiscard]] std::uint64_t step_of(BlockSlot const& slot) const;
    /// Of this executor among those of the node that have run tasks of the batch.
    [[nodiscard]] double weight_in(std::uint32_t batch) const;
    [[nodiscard]] static ChunkRange chunk_of(BlockSlot const& slot, std::uint64_t const* table,
                                             std::uint64_t unit, std::uint64_t step);
    void run_chunk(BlockSlot& slot, detail::ChunkCall& call, ChunkRange chunk);
    void remember_finished(BlockSlot const& slot, ChunkRange chunk);
    void flush_finished(BlockSlot const& slot);
    void tell_news(BlockSlot& slot);
    void note_times(BlockSlot& slot, ChunkRange chunk);
    void mark_output(std::uint64_t first, std::uint64_t last);
    void mark_pending_output();
    void push(std::uint64_t task, RingRecord::Kind kind, ByteView content,
              FailureCause cause = FailureCause::exception);
    /// Where tasks of a batch with packing leave their results, one after the other. False: there is no
    /// memory for it, and the tasks of the chunk have failed.
    [[nodiscard]] bool make_slot(detail::ChunkCall& call);
    /// Sends the task's result compressed, unless the task has failed.
    void pack_result(detail::ChunkCall& call, std::uint64_t task);
    /// Those that follow `task` in its chunk would probably end too late.
    [[nodiscard]] bool rest_is_too_late(detail::ChunkCall const& call, std::uint64_t task) const;
    /// The slot at work was cut, or time is over: gives back what follows `task` in its chunk.
    void cut_chunk(detail::ChunkCall& call, std::uint64_t task);

    static void fail(detail::ChunkCall& call, std::uint64_t task, FailureCause cause, char const* message);
    static void store(detail::ChunkCall& call, std::uint64_t task, ByteView result);
    static void task_ended(detail::ChunkCall& call, std::uint64_t task);

    NodeView node_;
    int index_;
    ExecutorCell& cell_;
    std::optional<OutputMarker> marker_;  // where output is captured
    ExecutorPort* actors_;
    base::Ringer ringer_;
    std::uint32_t batch_ = 0;
    std::shared_ptr<void> object_;  // decoded function object of batch_
    detail::ChunkFunction function_ = nullptr;
    Permit* permit_ = nullptr;    // held
    double mean_ns_ = 0;          // of a task of batch_; 0: unknown
    std::uint64_t sequence_ = 0;  // of the block at work
    BlockSlot* slot_ = nullptr;   // at work
    std::uint64_t lived_ = 0;     // tasks it has run
    bool life_over_ = false;
    std::uint64_t clock_ = 0;             // last reading
    std::uint32_t unclocked_chunks_ = 0;  // since then
    std::uint64_t unclocked_tasks_ = 0;
    std::uint64_t flushed_ = 0;         // when statuses were written last
    bool prints_ = false;               // a task of batch_ has printed: marks follow every task
    std::uint64_t output_checked_ = 0;  // when
    std::uint64_t output_first_ = UINT64_MAX, output_last_ = 0;  // tasks since then
    std::vector<std::byte> slot_memory_;
    io::ResultPacker packer_;
    detail::WorkerTable states_;
    std::uint64_t rss_read_ = 0;  // when
    std::uint64_t peak_rss_ = 0;
};

}  // namespace plenum::pool
