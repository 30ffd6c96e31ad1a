// What ranks tell each other. Each message is a struct; its large part, if any, is a payload that is not
// copied.
#pragma once

#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>
#include <cstdint>
#include <memory>
#include <plenum/codec.hpp>
#include <plenum/detail/packing.hpp>
#include <plenum/error.hpp>
#include <string>
#include <variant>
#include <vector>

namespace plenum::wire {

/// Bytes with whoever keeps them alive.
struct Payload {
    std::shared_ptr<void const> owner;
    ByteView bytes;
    std::shared_ptr<void const> credit =
        {};  ///< let go when the bytes have reached their end; not their owner

    /// Takes the bytes over.
    [[nodiscard]] static Payload of(Bytes bytes);
};

/// Tasks [first, last) of a batch.
struct TaskRange {
    std::uint64_t first = 0, last = 0;
    [[nodiscard]] std::uint64_t count() const noexcept { return last - first; }
    template <class Archive>
    void serialize(Archive& archive) {
        archive(first, last);
    }
};

/// How long a run of tasks took on one executor.
struct Timing {
    std::uint64_t first = 0;
    std::uint32_t count = 0;
    std::int32_t rank = 0;
    double start = 0;     ///< s since the start of the run
    double duration = 0;  ///< s, all `count` tasks
    std::uint64_t peak_rss = 0;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(first, count, rank, start, duration, peak_rss);
    }
};

/// A task that failed.
struct Failure {
    std::uint64_t task = 0;
    std::int32_t rank = 0;
    std::int32_t attempt = 1;
    FailureCause cause = FailureCause::exception;
    std::string message;
    bool quarantined = false;  ///< it has crashed too many executors to run again
    template <class Archive>
    void serialize(Archive& archive) {
        archive(task, rank, attempt, cause, message, quarantined);
    }
};

/// Rank 0 to leaders: a batch begins. Payload: the bytes of its function object.
struct OpenBatch {
    std::uint32_t batch = 0;
    std::uint64_t function = 0;  ///< task id
    std::uint64_t tasks = 0;
    std::uint64_t stride = 0;              ///< bytes of a result; 0: varying
    detail::Packing packing = {};          ///< with a level: executors compress results, which then vary
    std::uint8_t schedule = 0;             ///< sched::Technique
    std::uint64_t chunk_size = 0;          ///< 0: by technique
    std::uint64_t tasks_per_executor = 0;  ///< 0: any number
    std::uint64_t running_per_node = 0;    ///< tasks at the same time; 0: no limit
    std::uint64_t task_timeout_ns = 0;     ///< after which a task is killed; 0: never
    std::uint64_t ns_left = 0;             ///< until all tasks should have ended; 0: any time
    std::uint64_t item_stride =
        0;  ///< bytes of an item; 0 with varying_items: each its own; 0 without: no items
    bool varying_items = false;
    bool timing = false;        ///< timing rows are wanted
    std::int32_t priority = 0;  ///< executors take blocks of higher ones first
    bool prompt = false;        ///< results are sent as they come, not when a block is complete
    bool on_each = false;       ///< task first + i of a node's block is for its executor i alone
    bool direct = false;        ///< on rank 0's node: results go to direct_offset + task * stride
    std::uint64_t direct_offset = 0;
    std::uint64_t run = 0;  ///< whose file keeps which tasks were at work when a rank died; 0: none does
    std::uint32_t map = 0;  ///< number of the batch in that file
    Payload payload;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(batch, function, tasks, stride, packing, schedule, chunk_size, tasks_per_executor,
                running_per_node, task_timeout_ns, ns_left, item_stride, varying_items, timing, priority, prompt,
                on_each, direct, direct_offset, run, map);
    }
};

/// Rank 0 to leaders: all tasks of the batch are final.
struct CloseBatch {
    std::uint32_t batch = 0;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(batch);
    }
};

/// Rank 0 to leaders: tasks of the batch that have not started are to be returned.
struct CancelBatch {
    std::uint32_t batch = 0;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(batch);
    }
};

/// Leader to rank 0: send one more block, of any batch or of one that the node has no tasks of.
struct RequestBlock {
    std::int32_t node = 0;
    bool any = true;
    std::uint32_t batch = 0;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(node, any, batch);
    }
};

/// Rank 0 to a leader: run these. Payload: their items (offsets first when they vary).
struct AssignBlock {
    std::uint32_t batch = 0;
    std::uint64_t block = 0;
    TaskRange tasks;
    bool asked_for = false;  ///< answers a request for this batch, not one for any
    Payload payload;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(batch, block, tasks, asked_for);
    }
};

/// Leader to rank 0: tasks of a block that are final now. Payload: the results of `runs`, one after the
/// other.
struct BlockResults {
    std::int32_t node = 0;
    std::uint32_t batch = 0;
    std::uint64_t block = 0;
    std::vector<TaskRange> runs;         ///< done or failed, ascending
    std::vector<std::uint64_t> lengths;  ///< varying results: bytes of each task of `runs`
    std::vector<Failure> failures;       ///< those of `runs` that failed
    std::vector<TaskRange> returned;     ///< will not be run here
    std::vector<Timing> timing;
    double mean_task_seconds = 0;  ///< so far in this batch, one executor; 0: unknown
    double long_task_seconds = 0;  ///< few tasks of this batch take longer; 0: unknown
    Payload payload;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(node, batch, block, runs, lengths, failures, returned, timing, mean_task_seconds,
                long_task_seconds);
    }
};

/// Leader to rank 0: an executor that was renewed has left a state. Payload: its detail::ExitRecord.
struct ExitResult {
    std::uint64_t state = 0;
    bool begun = false;  ///< it only begins to leave: counts unless how it ended follows
    Payload payload;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(state, begun);
    }
};

/// Rank 0 to all: steps of making or freeing a shared array.
struct ArrayStep {
    enum class Step : std::uint8_t { check, populate, free };
    Step step = Step::check;
    std::uint64_t id = 0;
    std::uint64_t offset = 0;  ///< in node memory
    std::uint64_t bytes = 0;
    bool elsewhere = false;  ///< rank 0 fills the array: its node needs no populating
    template <class Archive>
    void serialize(Archive& archive) {
        archive(step, id, offset, bytes, elsewhere);
    }
};

/// Any rank to rank 0: how the step went here.
struct ArrayVerdict {
    std::uint64_t id = 0;
    std::int32_t rank = 0;
    std::string problem;  ///< empty: fine
    template <class Archive>
    void serialize(Archive& archive) {
        archive(id, rank, problem);
    }
};

/// Down the tree of leaders: a piece of an array's content.
struct ArrayPiece {
    std::uint64_t id = 0;
    std::uint64_t offset = 0;  ///< in node memory
    bool last = false;
    Payload payload;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(id, offset, last);
    }
};

/// Any rank to rank 0: whole lines that tasks printed.
struct Output {
    std::int32_t rank = 0;
    std::uint32_t batch = 0;  ///< of the tasks
    TaskRange tasks;          ///< who printed: one task, or one of these
    std::uint64_t actor = 0;  ///< not 0: an actor printed, no task
    bool error = false;       ///< standard error
    std::string text;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(rank, batch, tasks, actor, error, text);
    }
};

/// Calls of actors and their answers, from one rank to the next on their way. Payload: records
/// (actor_records.hpp).
struct ActorMail {
    Payload payload;
    template <class Archive>
    void serialize(Archive&) {}
};

/// Rank 0 to leaders: the tasks that still run are to be killed and returned.
struct Abandon {
    template <class Archive>
    void serialize(Archive&) {}
};

/// Any rank to rank 0: it has got a signal, which is meant for the run. SIGUSR1: no more tasks are to start;
/// any other: the run is to end.
struct SignalNote {
    std::int32_t signal = 0;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(signal);
    }
};

/// A leader to rank 0: nothing to say, but here.
struct Pulse {
    template <class Archive>
    void serialize(Archive&) {}
};

/// Rank 0 to all: the program ends.
struct Stop {
    template <class Archive>
    void serialize(Archive&) {}
};

/// Calls of cached functions.
struct CacheTally {
    std::uint64_t hits = 0, misses = 0;
    std::uint64_t unkept = 0;  ///< misses whose results could not be kept
    CacheTally& operator+=(CacheTally const& other) noexcept {
        hits += other.hits;
        misses += other.misses;
        unkept += other.unkept;
        return *this;
    }
    CacheTally& operator-=(CacheTally const& other) noexcept {
        hits -= other.hits;
        misses -= other.misses;
        unkept -= other.unkept;
        return *this;
    }
    template <class Archive>
    void serialize(Archive& archive) {
        archive(hits, misses, unkept);
    }
};

/// Any rank to rank 0, last message: what its executors did.
struct Farewell {
    std::int32_t rank = 0;
    std::uint64_t tasks = 0;
    double busy_seconds = 0;
    double first_start = 0, last_end = 0;  ///< s since the node was ready; 0: no task ran
    CacheTally cache = {};
    template <class Archive>
    void serialize(Archive& archive) {
        archive(rank, tasks, busy_seconds, first_start, last_end, cache);
    }
};

/// Rank 0 to all, after every Farewell: leave with this code.
struct Goodbye {
    std::int32_t exit_code = 0;
    bool at_once = false;  ///< at any time: the run was interrupted, no step of an orderly end follows
    template <class Archive>
    void serialize(Archive& archive) {
        archive(exit_code, at_once);
    }
};

using Message = std::variant<OpenBatch, CloseBatch, CancelBatch, RequestBlock, AssignBlock, BlockResults,
                             ArrayStep, ArrayVerdict, ArrayPiece, ActorMail, Output, ExitResult, Abandon,
                             SignalNote, Pulse, Stop, Farewell, Goodbye>;

/// A message as it crosses a transport.
struct Frame {
    std::uint32_t kind = 0;
    Bytes header;
    Payload payload;
};

[[nodiscard]] Frame to_frame(Message message);
/// Throws EnvironmentError when the frame is none of ours.
[[nodiscard]] Message from_frame(Frame frame);

}  // namespace plenum::wire
