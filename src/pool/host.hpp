// Rank 0's side: batches and shared arrays that the body asks for, the coordinator, progress.
#pragma once

#include <atomic>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "comm/topology.hpp"
#include "pool/batch_sink.hpp"
#include "pool/leader.hpp"
#include "sched/coordinator.hpp"
#include "sched/technique.hpp"

namespace plenum::pool {

/// How far the batches of a run are; read by any thread.
struct Progress {
    std::atomic<std::uint64_t> tasks{0}, done{0}, failed{0};
};

class Host {
public:
    struct Options {
        sched::Technique schedule = sched::Technique::automatic;
        std::uint64_t chunk_size = 0;
        int executors_per_rank = 1;
        std::uint64_t tasks_per_executor = 0;  ///< 0: any number
    };
    using SendTo = std::function<void(int rank, wire::Message)>;
    Host(NodeView node, comm::Topology const& topology, Options options, SendTo send,
         base::DoorbellAddress bell);

    // ---- called by the body's thread; they block it ----

    /// Runs a batch whose results go to `sink`. `direct_offset`: results of fixed size may be left in rank
    /// 0's node memory there. Throws what the sink reports.
    void run(detail::BatchRequest const& request, BatchSink& sink, std::optional<std::uint64_t> direct_offset,
             bool timing);
    /// Room in the arrays' part of every node's memory: checked everywhere, then made present everywhere.
    [[nodiscard]] std::uint64_t place_array(std::uint64_t bytes);
    void publish_array(std::uint64_t offset, std::uint64_t bytes);
    void free_array(std::uint64_t offset) noexcept;

    // ---- called by the main thread ----

    void on(wire::RequestBlock const& request);
    void on(wire::BlockResults results);
    void on(wire::ArrayVerdict const& verdict);
    /// Carries out what the body asked for, hands out blocks, completes batches.
    void tick();
    [[nodiscard]] bool active() const noexcept { return !batches_.empty() || array_step_.has_value(); }
    [[nodiscard]] Progress const& progress() const noexcept { return progress_; }

private:
    struct Batch {
        detail::BatchRequest const* request = nullptr;
        BatchSink* sink = nullptr;
        std::promise<void> done;
        bool cancelled = false;
        std::uint64_t most_tasks = 0;                        // of a block, by memory
        std::uint64_t varying_tasks = 0, varying_bytes = 0;  // seen so far
    };
    struct ArrayStep {  // a question to ranks that waits for their answers
        std::uint64_t id = 0;
        std::size_t answers_due = 0;
        std::string problem;
        std::promise<void> done;
    };

    void post(std::function<void()> work);
    [[nodiscard]] int executors_on(int node) const {
        return topology_.ranks_on(node) * options_.executors_per_rank;
    }
    void start(detail::BatchRequest const& request, BatchSink& sink,
               std::optional<std::uint64_t> direct_offset, bool timing, std::promise<void> done);
    /// How many tasks a block may have so that it fits into the node's memory; 0: not even one does.
    [[nodiscard]] std::uint64_t most_tasks_of_block(wire::OpenBatch const& batch, std::uint64_t per_task,
                                                    int node) const;
    [[nodiscard]] wire::Payload items_of(detail::BatchRequest const& request, wire::TaskRange tasks) const;
    void ask(wire::ArrayStep::Step step, std::uint64_t offset, std::uint64_t bytes, bool leaders_only);
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
    std::optional<ArrayStep> array_step_;
    std::uint64_t next_array_id_ = 1;
    Progress progress_;
    std::mutex mutex_;  // guards posted_
    std::vector<std::function<void()>> posted_;
};

/// Children of leader `node` in the tree along which arrays travel between nodes.
[[nodiscard]] std::vector<int> tree_children(int node, int nodes);

}  // namespace plenum::pool
