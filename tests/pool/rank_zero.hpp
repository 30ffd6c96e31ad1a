// A pretended rank 0: hands out blocks when the leader asks, and keeps account of every task. It trusts
// nobody: whatever breaks the contract between a leader and rank 0 becomes a complaint.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <plenum/detail/pool_core.hpp>
#include <random>
#include <string>
#include <vector>

#include "pool/leader.hpp"
#include "sched/technique.hpp"

namespace plenum::pool::test {

struct BatchPlan {
    detail::BatchRequest request{};  ///< `tasks`: how many at most
    sched::Technique technique = sched::Technique::automatic;
    std::uint64_t chunk_size = 0;
    std::optional<std::uint64_t> direct_offset{};
    /// The right bytes of a task's result; nothing for a task that throws refusal(task).
    std::function<std::optional<Bytes>(std::uint64_t task)> expected{};
};

class RankZero {
public:
    /// Blocks have `least` to `most` tasks, at random.
    RankZero(std::uint64_t least, std::uint64_t most) : block_size_(least, most) {}

    std::uint32_t open(Leader& leader, BatchPlan plan);
    /// Takes a message of the leader.
    void take(wire::Message message);
    /// Answers the leader's requests as far as there are tasks, from the open batches in turn.
    void answer(Leader& leader);
    /// No more tasks than those handed out so far; tasks that come back are still run.
    void stop_new_tasks();
    /// All tasks of all batches are final.
    [[nodiscard]] bool all_final() const;

    [[nodiscard]] std::vector<std::string> const& complaints() const noexcept { return complaints_; }
    [[nodiscard]] std::uint64_t final_tasks(std::uint32_t batch) const { return batches_.at(batch).final; }
    [[nodiscard]] std::uint64_t tasks(std::uint32_t batch) const { return batches_.at(batch).fates.size(); }
    [[nodiscard]] std::map<std::uint64_t, wire::Failure> const& failures(std::uint32_t batch) const {
        return batches_.at(batch).failures;
    }
    [[nodiscard]] std::uint64_t returned() const noexcept { return returned_; }
    [[nodiscard]] std::uint64_t partial_messages() const noexcept { return partial_messages_; }
    /// Tasks with timing rows, each counted as often as it has rows.
    [[nodiscard]] std::uint64_t timed(std::uint32_t batch) const { return batches_.at(batch).timed; }
    /// Keeps payloads, as a rank 0 does whose disk is slow.
    void keep_payloads(bool keep) {
        keep_payloads_ = keep;
        if (!keep) kept_.clear();
    }

private:
    enum class Fate : std::uint8_t { waiting, issued, done, failed };
    struct Batch {
        BatchPlan plan;
        std::uint64_t next = 0, end = 0;  // tasks never handed out
        std::deque<wire::TaskRange> back;
        std::vector<Fate> fates;
        std::map<std::uint64_t, wire::Failure> failures;
        std::uint64_t final = 0, timed = 0;
    };
    struct Block {
        std::uint32_t batch;
        wire::TaskRange tasks;
        std::uint64_t open;  // tasks that are neither final nor returned
    };

    void take_results(wire::BlockResults const& results);
    void take_timing(Batch& batch, Block const& block, std::vector<wire::Timing> rows);
    void check_result(Batch const& batch, std::uint64_t task, ByteView bytes);
    bool settle(Batch& batch, Block& block, std::uint64_t task, Fate fate);
    [[nodiscard]] static wire::Payload items_of(detail::BatchRequest const& request, wire::TaskRange tasks);
    /// A block of the batch, if it has tasks that are not out.
    bool give(Leader& leader, std::uint32_t id, bool asked_for);
    void complain(std::string text);

    std::map<std::uint32_t, Batch> batches_;
    std::map<std::uint64_t, Block> blocks_;
    std::mt19937_64 random_{7};
    std::uniform_int_distribution<std::uint64_t> block_size_;
    std::vector<std::string> complaints_;
    std::vector<wire::Payload> kept_;
    bool keep_payloads_ = false;
    int requests_ = 0;                      // for a block of any batch
    std::vector<std::uint32_t> asked_for_;  // batches of which a block is asked for
    std::uint32_t next_batch_ = 1, turn_ = 0;
    std::uint64_t next_block_ = 1, returned_ = 0, partial_messages_ = 0;
};

}  // namespace plenum::pool::test
