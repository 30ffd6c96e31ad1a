// A discrete-event simulation of nodes and executors around the Coordinator: virtual time, delayed messages,
// deaths.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <numeric>
#include <queue>
#include <random>
#include <utility>
#include <vector>

#include "sched/chunks.hpp"
#include "sched/coordinator.hpp"
#include "sched/ledger.hpp"

namespace plenum::sched {

struct SimulatedNode {
    int executors = 1;
    double speed = 1;
    std::vector<double> executor_speeds = {};  ///< times `speed`; empty: all 1

    [[nodiscard]] double speed_of(int executor) const {
        return executor_speeds.empty() ? speed : speed * executor_speeds[static_cast<std::size_t>(executor)];
    }
};

struct Scenario {
    std::vector<SimulatedNode> nodes = {};  ///< node 0 hosts the coordinator and never dies
    Technique technique = Technique::automatic;
    std::uint64_t min_chunk = 0;
    std::size_t max_chunks = 4096;
    Limits limits = {};
    /// Seconds of one task on an executor of speed 1.
    std::function<double(BatchId, std::uint64_t task)> task_seconds = [](BatchId, std::uint64_t) {
        return 1.0;
    };
    double message_seconds = 100e-6;   ///< mean delay of a message; drawn from half to one and a half of it
    double lookahead_seconds = 2e-3;   ///< a node asks for more when its work lasts no longer
    double claim_seconds = 100e-9;     ///< per chunk
    double restart_seconds = 1e-3;     ///< a dead executor is replaced after that
    double executor_death = 0;         ///< probability per chunk: a random part of it is lost
    double node_death = 0;             ///< probability per chunk
    double node_return_seconds = 0.1;  ///< a dead node joins again after about that
    std::uint64_t memory_tasks = 0;    ///< largest block of every node, 0 = unlimited
    std::uint64_t seed = 1;
};

struct Outcome {
    double seconds = 0;  ///< virtual time until the coordinator knew of the last final task
    std::uint64_t chunks = 0;
    std::uint64_t messages = 0;  ///< to and from the coordinator
    std::uint64_t node_deaths = 0;
    std::uint64_t executor_deaths = 0;
};

/// Runs a scenario. Everything is drawn from the scenario's seed, so a failure can be repeated.
class Simulation {
public:
    explicit Simulation(Scenario scenario)
        : scenario_(std::move(scenario)), random_(scenario_.seed), coordinator_(scenario_.limits) {
        for (NodeId id = 0; id < static_cast<NodeId>(scenario_.nodes.size()); ++id) {
            nodes_.emplace_back();
            join(id);
        }
    }

    [[nodiscard]] Coordinator& coordinator() { return coordinator_; }
    [[nodiscard]] double chance() { return std::uniform_real_distribution(0.0, 1.0)(random_); }

    /// Does something on the coordinator's side at that virtual time.
    void at(double seconds, std::function<void()> action) {
        schedule(seconds, [this, action = std::move(action)] {
            action();
            act();
        });
    }
    BatchId add_batch(BatchSpec spec) {
        auto const batch = coordinator_.add_batch(spec);
        ledger_.add_batch(batch, spec.tasks);
        if (scenario_.memory_tasks > 0)
            for (NodeId id = 0; id < static_cast<NodeId>(nodes_.size()); ++id)
                coordinator_.set_max_block(batch, id, scenario_.memory_tasks);
        batches_.push_back(batch);
        return batch;
    }
    void cancel(BatchId batch) {
        ledger_.cancel(batch);
        coordinator_.cancel(batch);
    }

    /// Until nothing happens any more; then every batch must have completed.
    Outcome run() {
        act();
        while (!events_.empty() && !testing::Test::HasFailure()) {
            auto event = std::move(const_cast<Event&>(events_.top()));
            events_.pop();
            now_ = event.time;
            event.action();
        }
        EXPECT_TRUE(ledger_.all_completed());
        return outcome_;
    }

private:
    struct Event {
        double time;
        std::uint64_t number;  // events of one time happen in the order they were scheduled
        std::function<void()> action;
        bool operator<(Event const& other) const {
            return time != other.time ? time > other.time : number > other.number;
        }
    };
    struct HeldBlock {
        Assignment given;
        ChunkPlan plan;
        std::uint64_t counter = 0;  // chunks of a table, else tasks
        int running = 0;
        RangeSet unreported = {};
        int unreported_chunks = 0;
        double seconds = 0;  // executor time in `unreported`

        [[nodiscard]] bool claimed() const {
            auto const& bounds = plan.bounds;
            return counter >= (bounds.empty() ? given.tasks.size() : bounds.size() - 1);
        }
    };
    struct Measured {  // one executor in one batch
        double tasks = 0, seconds = 0;
    };
    struct Node {
        int life = 0;        // counts deaths, as the node sees it
        int known_life = 0;  // as the coordinator sees it
        bool alive = false, known_alive = false;
        std::vector<int> idle;  // executors
        std::map<BatchId, std::vector<Measured>> measured = {};
        bool requested = false;
        std::map<BlockId, HeldBlock> blocks;
        std::deque<BlockId> claimable;
        std::uint64_t unfinished = 0;             // tasks
        double task_seconds = 0;                  // mean of the latest report
        double last_sent = 0, last_received = 0;  // messages between two processes keep their order
    };

    void schedule(double time, std::function<void()> action) {
        events_.push({time, next_event_++, std::move(action)});
    }
    double delivery(double& previous) {
        ++outcome_.messages;
        return previous = std::max(previous, now_ + scenario_.message_seconds * (0.5 + chance()));
    }
    /// The coordinator hears from the node; `current` tells whether it still knows the node in that life.
    template <typename Heard>
    void send(NodeId id, Heard heard) {
        auto& node = nodes_[static_cast<std::size_t>(id)];
        schedule(delivery(node.last_sent), [this, &node, life = node.life, heard] {
            heard(node.known_alive && node.known_life == life);
            act();
        });
    }

    /// The coordinator's actions.
    void act() {
        for (auto const& given : coordinator_.take_assignments()) {
            ledger_.assign(given);
            auto& node = nodes_[static_cast<std::size_t>(given.node)];
            EXPECT_TRUE(node.known_alive);
            EXPECT_GE(given.tasks.size(), 1u);
            EXPECT_LE(given.tasks.size(), scenario_.limits.max_block_tasks);
            if (scenario_.memory_tasks > 0) {
                EXPECT_LE(given.tasks.size(), scenario_.memory_tasks);
            }
            schedule(delivery(node.last_received), [this, &node, given, life = node.known_life] {
                if (node.alive && node.life == life) receive(node, given);
            });
        }
        for (auto const batch : coordinator_.take_completed())
            ledger_.complete(batch, coordinator_.tasks_finished(batch));
    }

    void join(NodeId id) {
        auto& node = nodes_[static_cast<std::size_t>(id)];
        node.alive = node.known_alive = true;
        node.known_life = node.life;
        auto const executors = scenario_.nodes[static_cast<std::size_t>(id)].executors;
        node.idle.resize(static_cast<std::size_t>(executors));
        std::iota(node.idle.begin(), node.idle.end(), 0);
        node.measured.clear();
        node.requested = false;
        node.unfinished = 0;
        node.blocks.clear();
        node.claimable.clear();
        coordinator_.add_node(id, executors);
        if (scenario_.memory_tasks > 0)
            for (auto const batch : batches_) coordinator_.set_max_block(batch, id, scenario_.memory_tasks);
        ask(id);
    }

    /// A node asks when an executor idles, or soon will. Asking earlier would hoard long tasks that others
    /// could run.
    void ask(NodeId id) {
        auto& node = nodes_[static_cast<std::size_t>(id)];
        auto const executors = scenario_.nodes[static_cast<std::size_t>(id)].executors;
        auto const seconds_left = static_cast<double>(node.unfinished) * node.task_seconds / executors;
        bool const soon = node.task_seconds > 0 && seconds_left < scenario_.lookahead_seconds;
        if (node.requested || (node.idle.empty() && !soon)) return;
        node.requested = true;
        send(id, [this, id](bool) { coordinator_.request(id); });
    }

    void receive(Node& node, Assignment const& given) {
        auto const executors = scenario_.nodes[static_cast<std::size_t>(given.node)].executors;
        node.requested = false;
        node.unfinished += given.tasks.size();
        node.blocks[given.block] = {.given = given,
                                    .plan = plan_chunks(scenario_.technique, given.tasks.size(), executors,
                                                        scenario_.min_chunk, scenario_.max_chunks)};
        node.claimable.push_back(given.block);
        work(given.node);
    }

    /// Idle executors claim chunks.
    void work(NodeId id) {
        auto& node = nodes_[static_cast<std::size_t>(id)];
        auto const& spec = scenario_.nodes[static_cast<std::size_t>(id)];
        while (!node.idle.empty() && !node.claimable.empty()) {
            auto& block = node.blocks.at(node.claimable.front());
            auto const executor = node.idle.back();
            auto const chunk = claim(node, block, spec.executors, executor);
            if (block.claimed()) node.claimable.pop_front();
            double seconds = 0;
            for (auto task = chunk.first; task < chunk.last; ++task)
                seconds += scenario_.task_seconds(block.given.batch, task) / spec.speed_of(executor);
            node.idle.pop_back();
            ++block.running;
            schedule(now_ + scenario_.claim_seconds + seconds,
                     [this, id, life = node.life, block_id = block.given.block, chunk, executor, seconds] {
                         if (nodes_[static_cast<std::size_t>(id)].life == life)
                             leave_chunk(id, block_id, chunk, executor, seconds);
                     });
        }
        ask(id);
    }

    static double weight_of(std::vector<Measured> const& measured, int executor) {
        double sum = 0;
        int count = 0;
        for (auto const& one : measured) {
            if (one.tasks == 0) continue;
            sum += one.tasks / one.seconds;
            ++count;
        }
        auto const& own = measured[static_cast<std::size_t>(executor)];
        return awf_weight(own.tasks == 0 ? 0 : own.tasks / own.seconds, sum, count);
    }

    Range claim(Node& node, HeldBlock& block, int executors, int executor) {
        ++outcome_.chunks;
        auto const first = block.given.tasks.first;
        if (auto const& bounds = block.plan.bounds; !bounds.empty()) {
            auto const k = block.counter++;
            return {first + bounds[k], first + bounds[k + 1]};
        }
        auto const remaining = block.given.tasks.size() - block.counter;
        auto size = block.plan.uniform;
        if (block.plan.weighted_least > 0) {
            auto& measured = node.measured[block.given.batch];
            measured.resize(static_cast<std::size_t>(executors));
            size = awf_chunk(remaining, executors, weight_of(measured, executor), block.plan.weighted_least);
        } else if (size == 0) {
            auto const mean_ns = static_cast<std::uint64_t>(node.task_seconds * 1e9);
            size = auto_chunk(mean_ns, remaining, executors);
        }
        size = std::min(size, remaining);
        block.counter += size;
        return {first + block.counter - size, first + block.counter};
    }

    /// A chunk is done, or its executor or the whole node dies in it.
    void leave_chunk(NodeId id, BlockId block_id, Range chunk, int executor, double seconds) {
        auto& node = nodes_[static_cast<std::size_t>(id)];
        if (id != 0 && chance() < scenario_.node_death) return die(id);
        auto& block = node.blocks.at(block_id);
        --block.running;
        node.unfinished -= chunk.size();
        auto done = chunk;
        if (chance() < scenario_.executor_death) {
            ++outcome_.executor_deaths;
            done.last = chunk.first + random_() % chunk.size();
            send(id, [this, given = block.given, rest = Range{done.last, chunk.last}](bool current) {
                coordinator_.returned(given.node, given.block, rest);
                if (current) ledger_.put_back(given, rest);
            });
            schedule(now_ + scenario_.restart_seconds, [this, id, executor, life = node.life] {
                auto& same = nodes_[static_cast<std::size_t>(id)];
                if (same.life != life) return;
                same.idle.push_back(executor);
                work(id);
            });
        } else {
            node.idle.push_back(executor);
        }
        if (block.plan.weighted_least > 0) {
            auto& own = node.measured[block.given.batch][static_cast<std::size_t>(executor)];
            own.tasks += static_cast<double>(chunk.size());
            own.seconds += seconds + scenario_.claim_seconds;
        }
        block.unreported.add(done);
        block.seconds += seconds * static_cast<double>(done.size()) / static_cast<double>(chunk.size());
        ++block.unreported_chunks;
        bool const over = block.claimed() && block.running == 0;
        if (over || block.unreported_chunks >= scenario_.nodes[static_cast<std::size_t>(id)].executors)
            report(id, block);
        if (over) node.blocks.erase(block_id);
        work(id);
    }

    void report(NodeId id, HeldBlock& block) {
        if (block.unreported.empty()) return;
        auto const mean = block.seconds / static_cast<double>(block.unreported.count());
        nodes_[static_cast<std::size_t>(id)].task_seconds = mean;
        send(id, [this, given = block.given, tasks = std::move(block.unreported), mean](bool current) {
            coordinator_.measured(given.batch, given.node, mean);
            for (auto const& [first, last] : tasks.intervals()) {
                coordinator_.finished(given.node, given.block, {first, last});
                if (current) ledger_.finish(given, {first, last});
                if (current) outcome_.seconds = now_;
            }
        });
        block.unreported = {};
        block.unreported_chunks = 0;
        block.seconds = 0;
    }

    /// The coordinator learns of it a little later, perhaps before the node's last messages arrive.
    void die(NodeId id) {
        auto& node = nodes_[static_cast<std::size_t>(id)];
        ++outcome_.node_deaths;
        node.alive = false;
        ++node.life;
        schedule(now_ + scenario_.message_seconds * chance() * 2, [this, id, &node] {
            coordinator_.node_lost(id);
            ledger_.lose(id);
            node.known_alive = false;
            act();
            schedule(now_ + scenario_.node_return_seconds * chance(), [this, id] {
                join(id);
                act();
            });
        });
    }

    Scenario scenario_;
    std::mt19937_64 random_;
    Coordinator coordinator_;
    Ledger ledger_;
    std::deque<Node> nodes_;
    std::vector<BatchId> batches_;
    std::priority_queue<Event> events_;
    std::uint64_t next_event_ = 0;
    double now_ = 0;
    Outcome outcome_;
};

}  // namespace plenum::sched
