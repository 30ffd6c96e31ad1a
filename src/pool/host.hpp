// Rank 0's side: batches and shared arrays that the body asks for, the coordinator, progress.
#pragma once

#include <atomic>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <plenum/detail/completion.hpp>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "comm/topology.hpp"
#include "pool/batch_sink.hpp"
#include "pool/leader.hpp"
#include "pool/run_limits.hpp"
#include "pool/stream_items.hpp"
#include "sched/coordinator.hpp"
#include "sched/technique.hpp"

namespace plenum::pool {

/// Batches with a task for each executor are not the coordinator's: their ids begin here.
inline constexpr sched::BatchId first_on_each = sched::BatchId{1} << 31;

/// How far the batches of a run are; read by any thread.
struct Progress {
    std::atomic<std::uint64_t> tasks{0}, done{0}, failed{0};
    std::atomic<std::uint64_t> retried{0};      ///< failed attempts of tasks that ran or will run again
    std::atomic<std::uint64_t> timed_out{0};    ///< attempts, also of these
    std::atomic<std::uint64_t> quarantined{0};  ///< of the failed tasks
    std::atomic<StopReason> stopped{StopReason::none};  ///< why no more tasks start
    std::atomic<bool> cut_short{false};                 ///< tasks were left out because of that
    std::atomic<std::uint64_t> settled{0};              ///< of those, done or failed before this process
};

class Host {
public:
    struct Options {
        sched::Technique schedule = sched::Technique::automatic;
        std::uint64_t chunk_size = 0;
        int executors_per_rank = 1;
        std::uint64_t tasks_per_executor = 0;  ///< 0: any number
        RunLimits limits = {};
    };
    using SendTo = std::function<void(int rank, wire::Message)>;
    Host(NodeView node, comm::Topology const& topology, Options options, SendTo send,
         base::DoorbellAddress bell);

    /// A batch on its way through the host.
    struct Work {
        detail::BatchRequest request;
        std::shared_ptr<BatchSink> sink;
        std::optional<std::uint64_t>
            direct_offset;  ///< results of fixed size may be left in rank 0's node memory there
        bool timing = false;
        std::vector<wire::TaskRange> settled =
            {};                            ///< will not be run: they have been, by an earlier process
        std::uint64_t settled_failed = 0;  ///< how many of them failed
        std::uint64_t left_out = 0;        ///< how many of them are nobody's business here: they do not count
        sched::Attempts attempts = {};     ///< those that have failed in an earlier process
        std::uint64_t run = 0;             ///< io::run_key, where deaths count
        std::uint32_t map = 0;             ///< number in the file of the run
        std::shared_ptr<detail::Completion> completion = std::make_shared<detail::Completion>();
        sched::BatchId id = 0;  ///< set by the host
    };

    // ---- called by any thread ----

    /// Starts a batch. Its completion ends when the sink has stored everything, with what the sink reports.
    /// Throws what is wrong with it: an unknown schedule, one task that no node has memory for; StoppedError
    /// when the run starts no more tasks.
    void start(std::shared_ptr<Work> work);
    /// start() and wait.
    void run(std::shared_ptr<Work> work);
    /// A batch whose tasks come later; work->request.tasks is 0.
    [[nodiscard]] std::unique_ptr<detail::Stream> open_stream(std::shared_ptr<Work> work);
    /// Drops what does not run yet.
    void cancel(std::shared_ptr<Work> const& work);
    void cancel_all();

    // ---- called by the body's threads; they block them ----

    /// Room in the arrays' part of every node's memory: checked everywhere, then made present everywhere; on
    /// this node only if nobody `fills_here` at once.
    [[nodiscard]] std::uint64_t place_array(std::uint64_t bytes, bool fills_here = false);
    void publish_array(std::uint64_t offset, std::uint64_t bytes);
    /// Does not block. The memory is given back when the batches that run now, which may use it, have ended.
    void free_array(std::uint64_t offset) noexcept;
    /// What executors that were renewed have left of that worker state; each once.
    [[nodiscard]] std::vector<detail::ExitRecord> take_exit_records(std::uint64_t state);
    /// Of all nodes. Any thread.
    [[nodiscard]] int executors() const noexcept;

    // ---- called by the main thread ----

    void on(wire::RequestBlock const& request);
    void on(wire::BlockResults results);
    void on(wire::ArrayVerdict const& verdict);
    void on(wire::ExitResult const& result);
    /// From now on no task starts; what is left of each batch ends with StoppedError. Tasks that run come to
    /// their end, or are killed after four fifths of the grace period; not for StopReason::failures. Again:
    /// no change.
    void stop(StopReason why);
    /// The run's time is over, and tasks have not ended although they were told to.
    [[nodiscard]] bool overdue() const;
    /// Until the run has to be over; nothing without a limit. Any thread.
    [[nodiscard]] std::optional<double> seconds_left() const;
    /// When tasks are to have ended; only with a limit of time.
    [[nodiscard]] std::uint64_t last_end_of_tasks() const;
    [[nodiscard]] std::uint64_t ns_left_for_tasks() const;  ///< until then; 0: no limit
    /// Carries out what the body asked for, hands out blocks, completes batches.
    void tick();
    [[nodiscard]] bool active() const noexcept { return active_ > 0 || array_step_.has_value(); }
    [[nodiscard]] Progress const& progress() const noexcept { return progress_; }

private:
    class HostStream;
    struct StreamState {  // what is on its way from the stream's user; guarded by mutex_
        std::uint64_t count = 0;
        Bytes items;
        std::vector<std::uint64_t> ends;
        bool sealed = false;
    };
    struct Batch {
        std::shared_ptr<Work> work;
        bool announced = false;  // the leaders know it
        bool cancelled = false;
        bool cut = false;        // cancelled, because the run stops
        std::uint64_t left = 0;  // tasks that did not run because of that
        sched::Attempts attempts;
        std::map<int, double> long_task_seconds;             // by node, as far as measured
        bool sealed = false;                                 // of a stream: the coordinator knows
        std::uint64_t most_tasks = 0;                        // of a block, by memory
        std::uint64_t varying_tasks = 0, varying_bytes = 0;  // seen so far
        std::shared_ptr<StreamState> stream;                 // null: all tasks are known
        StreamItems items;
        std::uint64_t largest_item = 0;
        std::uint64_t tasks = 0, final_tasks = 0;
        wire::OpenBatch opened;
    };
    struct FreedArray {
        std::uint64_t offset = 0;
        std::set<sched::BatchId> users;  // batches that may use it
    };
    struct ExitRecord {
        detail::ExitRecord record;
        bool begun;  // the executor has begun to leave, and not told yet how it ended
    };
    struct ArrayStep {  // a question to ranks that waits for their answers
        std::uint64_t id = 0;
        std::size_t answers_due = 0;
        std::string problem;
        std::promise<void> done;
    };

    /// Runs `work` on the main thread in the next tick, under scheduling_.
    void post(std::function<void()> work);
    [[nodiscard]] int executors_on(int node) const {
        return topology_.ranks_on(node) * options_.executors_per_rank;
    }
    void ring();
    void begin(std::shared_ptr<Work> const& work, std::shared_ptr<StreamState> stream);
    /// A batch with one task for each executor: each node gets its block at once, without the coordinator.
    /// `most`: tasks that fit into the memory of each node.
    void begin_on_each(Batch batch, std::vector<std::uint64_t> const& most);
    void take_on_each(wire::BlockResults results);
    /// How many tasks a block may have so that it fits into the memory of each node. Throws when not even one
    /// does.
    [[nodiscard]] std::vector<std::uint64_t> block_limits(wire::OpenBatch const& batch,
                                                          std::uint64_t largest_item) const;
    [[nodiscard]] std::uint64_t most_tasks_of_block(wire::OpenBatch const& batch, std::uint64_t per_task,
                                                    int node) const;
    void set_block_limits(sched::BatchId id, Batch& batch, std::uint64_t largest_item);
    [[nodiscard]] wire::Payload items_of(Batch const& batch, wire::TaskRange tasks) const;
    void cancel(sched::BatchId id, Batch& batch);
    void require_room_for_item(std::shared_ptr<Work> const& work, std::uint64_t bytes);
    bool drop(std::shared_ptr<Work> const& work, std::uint64_t task);
    /// Tasks that will not run after all: cancelled, or left by a run that stops.
    void give_up(Batch& batch, std::uint64_t tasks);
    /// Numbers the attempts that have failed; their failures, where the task runs again, leave `results`,
    /// and their tasks are returned, ascending.
    [[nodiscard]] std::vector<std::uint64_t> take_retried(Batch& batch, wire::BlockResults& results);
    void cut(sched::BatchId id, Batch& batch, StopReason why);
    void begin_stop(StopReason why);
    /// Stops when more tasks have failed than may.
    void check_failures();
    void watch_time();
    [[nodiscard]] std::exception_ptr stopped_error() const;
    void take_from_stream(sched::BatchId id, Batch& batch);
    void hand_out();
    /// All tasks of the batch are final and their results taken.
    void complete(sched::BatchId id);
    void complete_all();
    void free_unused_arrays();
    void ask(wire::ArrayStep const& step, bool leaders_only);
    void send_array(std::uint64_t offset, std::uint64_t bytes, std::promise<void> done);

    NodeView node_;
    comm::Topology const& topology_;
    Options options_;
    SendTo send_;
    base::DoorbellAddress bell_;
    base::Ringer ringer_;
    sched::Coordinator coordinator_;
    std::map<sched::BatchId, Batch> batches_;
    RangeAllocator arrays_;
    std::unordered_map<std::uint64_t, std::uint64_t> array_bytes_;  // by offset
    std::vector<FreedArray> freed_;
    std::optional<ArrayStep> array_step_;
    std::uint64_t next_array_id_ = 1;
    Progress progress_;
    std::uint64_t abandon_ns_ = UINT64_MAX;  // when tasks are killed
    std::uint64_t leave_ns_ = UINT64_MAX;    // when all is over
    bool stopping_ = false;                  // all batches are cut, and no others begin
    bool abandoned_ = false;
    sched::BatchId next_on_each_ = first_on_each;
    std::mutex scheduling_;  // guards the coordinator and the batches; taken before mutex_
    std::mutex asking_;      // held over a question to ranks: one at a time
    std::mutex mutex_;       // guards what follows, and the streams' states
    std::vector<std::function<void()>> posted_;
    std::map<std::uint64_t, std::vector<ExitRecord>> exit_records_;  // by state
    std::atomic<bool> rung_{false};
    std::atomic<std::size_t> active_{0};  // batches with tasks that are not final
};

/// Children of leader `node` in the tree along which arrays travel between nodes.
[[nodiscard]] std::vector<int> tree_children(int node, int nodes);
/// What to say when a page of it could not be made; `error` is an errno.
[[nodiscard]] std::string no_memory_for_array(std::string const& host, std::uint64_t bytes, int error);

}  // namespace plenum::pool
