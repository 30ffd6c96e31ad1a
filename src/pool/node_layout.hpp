// What lies at the front of node memory: the node queue and the state of each executor. Plain atomics, read
// and written by all processes of the node; no pointers, only offsets.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <plenum/detail/cache_core.hpp>
#include <plenum/detail/packing.hpp>
#include <plenum/error.hpp>
#include <span>

#include "base/affinity.hpp"
#include "base/doorbell.hpp"
#include "comm/session.hpp"

namespace plenum::pool {

inline constexpr int least_slots = 8;            ///< blocks on a node at the same time, at least
inline constexpr std::size_t table_size = 4096;  ///< chunks of a tapered block, at most

/// Life of an executor's cell. The parent takes it from vacant to running and from running to dead; the
/// leader takes it from dead to vacant when nothing of the dead executor is left to recover. The parent takes
/// it from running to vacant when the executor has left by itself, to be renewed.
enum class CellState : std::uint32_t { vacant, running, dead };

/// What an executor does. `claiming`: it may have claimed tasks that `first` and `last` do not show yet.
enum class Phase : std::uint32_t { idle, claiming, owning };

/// Noted by the executor's own handler before it dies of a memory fault.
enum class FaultNote : std::uint32_t { none, shared_array, stack_overflow, null_pointer };

/// Why a parent has killed its executor.
enum class Doom : std::uint32_t { none, timeout, abandoned };

/// Lines that different processes write are kept two apart: processors fetch them in pairs.
inline constexpr std::size_t line_pair = 128;

inline constexpr std::size_t finished_most =
    32;  ///< chunks an executor remembers before it writes their status

/// Bytes that the parent has read from a pipe of its executor. `begun` counts before a read and `ended` after
/// it: while they are equal, and only then, all that was ever written is `ended` and what waits in the pipe.
struct OutputTaken {
    std::atomic<std::uint64_t> begun, ended;
};

struct alignas(line_pair) ExecutorCell {
    // Written by the executor.
    std::atomic<Phase> phase;
    std::atomic<std::uint32_t>
        slot;  ///< 1 + the slot it works on; 0: none. Set before the slot's state is read.
    std::atomic<std::uint64_t>
        claims;  ///< counts claims, so that a reader sees whether first and last belong together
    std::atomic<std::uint64_t> first, last;  ///< the chunk it owns, indices in the batch
    std::atomic<std::uint64_t> current;      ///< the task that runs; all of the chunk before it are final
    // Chunks of the slot that are done but whose status bytes are not written yet: neighbours in the status
    // array belong to other executors, and writing each at once would cost more than a short task. All of
    // them are written before the executor leaves the slot. `flushes` counts the writing.
    std::atomic<std::uint32_t> finished_count;
    std::atomic<std::uint32_t> flushes;
    struct {
        std::atomic<std::uint64_t> first, last;
    } finished[finished_most];
    std::atomic<std::uint64_t> tasks_done;
    std::atomic<std::uint64_t> busy_ns;
    std::atomic<std::uint64_t> first_start_ns, last_end_ns;  ///< of all its tasks; 0: none yet
    std::atomic<std::uint32_t> batch;                        ///< of the next two
    std::atomic<std::uint64_t> batch_tasks, batch_ns;
    std::atomic<double> batch_squares;            ///< sum of the squares of its tasks' times, s^2
    std::atomic<std::uint64_t> batch_longest_ns;  ///< of its tasks
    std::atomic<FaultNote> fault;
    detail::CacheUse cache_use;                  ///< of all executors that had this cell
    std::atomic<std::uint32_t> has_left;         ///< by itself, with nothing open: its life was over
    std::atomic<std::uint32_t> marks_output;     ///< what a task prints is marked as its own when it ends
    std::atomic<std::uint32_t> waits_for_space;  ///< its ring is full: the leader sends what it has
    // Written by the parent.
    alignas(line_pair) std::atomic<CellState> state;
    std::int32_t rank;
    std::atomic<std::uint32_t>
        rank_leaves;              ///< the parent ends as it was told to: nothing is charged with that
    std::int32_t wait_status;     ///< of waitpid, when dead
    std::uint32_t out_of_memory;  ///< the kernel's count of OOM kills went up during its life
    Doom doom;                    ///< the parent has killed it for
    std::uint64_t doomed_claim, doomed_task;  ///< what `claims` and `current` were then
    base::DoorbellAddress parent_bell;
    std::array<OutputTaken, 2> output_taken;  ///< standard output, standard error
    // Ring of results of varying length and of error messages: head by the executor, tail by the leader.
    alignas(line_pair) std::atomic<std::uint64_t> ring_head;
    alignas(line_pair) std::atomic<std::uint64_t> ring_tail;
};

enum class SlotState : std::uint32_t { free, posted, closed };

/// How chunks are cut from the block: by tasks of equal number, by the table, by this executor's measured
/// times, by its speed among the others; or each executor runs the task of its own number.
enum class ChunkMode : std::uint32_t { uniform, table, measured, weighted, each };

/// Bytes of the offsets that come before items of varying size, so that the items begin 64-byte aligned.
[[nodiscard]] constexpr std::uint64_t item_table_bytes(std::uint64_t tasks) noexcept {
    return ((tasks + 1) * sizeof(std::uint64_t) + 63) / 64 * 64;
}

/// A block of consecutive tasks. All but `next` and `timing_used` stay as they are while the slot is posted.
struct alignas(line_pair) BlockSlot {
    std::atomic<SlotState> state;
    ChunkMode mode;
    std::uint32_t batch;
    std::uint64_t sequence;         ///< order of posting; older blocks first
    std::int32_t priority;          ///< but those of higher priority before all others
    std::uint32_t prompt;           ///< executors say soon what they have finished
    std::uint64_t first, count;     ///< tasks
    std::uint64_t units;            ///< of `next`: tasks, or chunks of the table
    std::uint64_t chunk;            ///< tasks per chunk when uniform, least tasks when weighted
    std::uint64_t task_timeout_ns;  ///< 0: none
    std::uint64_t last_end_ns;      ///< no task starts that would probably end later; 0: no limit
    std::uint64_t life;             ///< tasks after which an executor is renewed; 0: any number
    std::uint64_t run;              ///< whose file keeps deaths; 0: none does
    std::uint32_t map;              ///< number in that file
    std::uint64_t function;         ///< task id
    std::uint64_t function_offset, function_bytes;
    // Of the batch on this node: a word for each task that may run at once, with 1 + the executor that holds
    // it, or 0. A word instead of a count, so that nothing is lost when the holder dies.
    std::uint64_t permits_offset, permits;  ///< permits 0: any number may run
    std::uint64_t status_offset;
    std::uint64_t results_offset, stride;     ///< stride 0: varying length, through the ring
    detail::Packing packing;                  ///< with a level: results are compressed into that ring
    std::uint64_t items_offset, item_stride;  ///< item_stride 0 with items_offset: offsets, then bytes
    std::uint64_t timing_offset, timing_capacity;
    std::atomic<std::uint64_t> timing_used;
    std::atomic<std::uint32_t> cut;   ///< no more of its tasks are to start
    std::atomic<std::uint32_t> news;  ///< of a prompt block: something has been finished
    std::uint64_t
        refill_mark;  ///< whoever claims past this rings the leader, so that the next block is there in time
    alignas(line_pair) std::atomic<std::uint64_t> next;
};

struct RingRecord {
    /// exit_begun and exit_result: of the worker state `task`, by an executor that ends as planned.
    enum class Kind : std::uint32_t { skip, result, error, exit_begun, exit_result };
    Kind kind;
    FailureCause cause;   ///< of an error
    std::uint64_t bytes;  ///< of the content; records are multiples of 16
    std::uint64_t task;
    std::uint64_t sequence;  ///< of the block
};

struct alignas(line_pair) NodeHeader {
    std::atomic<std::uint32_t> work;  ///< futex: changes when there is something to do
    std::atomic<std::uint32_t> stop;
    std::atomic<std::uint32_t> abandon;  ///< parents kill executors at work
    std::atomic<std::int32_t>
        top_priority;  ///< of the blocks with tasks left: whoever works on others looks again
    std::atomic<std::uint32_t>
        top_batches;  ///< how many batches have such blocks: executors take turns with them
    base::DoorbellAddress leader_bell;
    base::ProcessorMask processors;  ///< of all ranks of the node
    std::uint64_t run_start_ns;
    std::int32_t executors;       ///< of all ranks of the node, the cells of a rank one after the other
    std::int32_t slot_count;      ///< blocks at the same time
    std::int32_t number;          ///< of the node
    std::int32_t first_executor;  ///< of its executors among those of all nodes
    std::array<char, 256> host;
    std::uint64_t cells_offset, slots_offset, tables_offset, rings_offset, ring_bytes;
    std::uint64_t arrays_begin, arrays_end;    ///< shared arrays: read-only for executors
    std::uint64_t scratch_begin, scratch_end;  ///< segments, items, results kept in memory
};

/// Words that limit how many tasks of a batch run at once.
using Permit = std::atomic<std::uint32_t>;

/// Node memory with names. Copyable; does not own.
class NodeView {
public:
    NodeView() = default;
    explicit NodeView(comm::NodeMemory memory) noexcept : memory_(memory) {}

    /// Writes the header for `executors`, placed so that arrays and what follows begin where they begin on
    /// the node with `most_executors`: offsets mean the same on every node. By the leader, once, before
    /// anybody else looks. Throws EnvironmentError when the memory is too small for it.
    void format(int executors, int most_executors, std::uint64_t run_start_ns);

    [[nodiscard]] NodeHeader& header() const noexcept { return *at<NodeHeader>(0); }
    [[nodiscard]] ExecutorCell& cell(int i) const noexcept {
        return at<ExecutorCell>(header().cells_offset)[static_cast<std::size_t>(i)];
    }
    [[nodiscard]] BlockSlot& slot(int i) const noexcept {
        return at<BlockSlot>(header().slots_offset)[static_cast<std::size_t>(i)];
    }
    [[nodiscard]] std::uint64_t* table(int i) const noexcept {
        return at<std::uint64_t>(header().tables_offset) + static_cast<std::size_t>(i) * (table_size + 1);
    }
    [[nodiscard]] std::span<Permit> permits(BlockSlot const& slot) const noexcept {
        return {at<Permit>(slot.permits_offset), slot.permits};
    }
    [[nodiscard]] std::byte* ring(int i) const noexcept {
        return memory_.base + header().rings_offset + static_cast<std::size_t>(i) * header().ring_bytes;
    }
    template <class T>
    [[nodiscard]] T* at(std::uint64_t offset) const noexcept {
        return reinterpret_cast<T*>(memory_.base + offset);
    }
    [[nodiscard]] std::byte* base() const noexcept { return memory_.base; }
    [[nodiscard]] std::size_t bytes() const noexcept { return memory_.bytes; }

private:
    comm::NodeMemory memory_;
};

}  // namespace plenum::pool
