// Worker states below the public API: the table of an executor, what it tells when it leaves as planned, and
// batches with a task for each executor whose executors die at any moment.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <plenum/detail/on_each.hpp>
#include <plenum/detail/stateful_task.hpp>
#include <stdexcept>
#include <thread>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/futex.hpp"
#include "comm/shared_mapping.hpp"
#include "pool/executor.hpp"
#include "pool/executor_processes.hpp"
#include "pool/host.hpp"
#include "pool/leader.hpp"
#include "pool/node_base.hpp"

namespace plenum::pool {
namespace {

using detail::ExitRecord;
using detail::WorkerTable;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Writes down what happens to it.
class Noted : public detail::HeldState {
public:
    Noted(std::vector<std::string>& notes, std::string name) : notes_(notes), name_(std::move(name)) {}
    ~Noted() noexcept(false) override {
        notes_.push_back("end " + name_);
        if (name_ == "throws") throw std::runtime_error("stuck");
    }
    void* address() noexcept override { return this; }
    void leave(ExitRecord& record) override {
        notes_.push_back("exit " + name_);
        if (name_ == "throws") throw std::runtime_error("no");
        record.has_value = true;
        record.value = name_;
    }

private:
    std::vector<std::string>& notes_;
    std::string name_;
};

TEST(WorkerTable, FindsStatesByIdAndEndsThemOnce) {
    std::vector<std::string> notes;
    WorkerTable table({.rank = 3, .node = 1, .executor = 5, .host = "here"});
    EXPECT_EQ(table.find(1), nullptr);
    auto* const a = table.add(1, std::make_unique<Noted>(notes, "a"));
    auto* const b = table.add(2, std::make_unique<Noted>(notes, "b"));
    EXPECT_EQ(table.find(1), a);
    EXPECT_EQ(table.find(2), b);
    EXPECT_EQ(table.find(2), b);
    EXPECT_EQ(table.find(3), nullptr);
    EXPECT_EQ(table.find(2), b);
    auto const record = table.leave(2);
    ASSERT_TRUE(record);
    EXPECT_EQ(record->value, "b");
    EXPECT_EQ(record->where.executor, 5);
    EXPECT_EQ(record->where.host, "here");
    EXPECT_EQ(table.find(2), nullptr);
    EXPECT_FALSE(table.leave(2));
    EXPECT_EQ(table.find(1), a);
    EXPECT_THAT(notes, ElementsAre("exit b", "end b"));
}

TEST(WorkerTable, LetsNothingEscapeFromTheEndOfAState) {
    std::vector<std::string> notes;
    {
        WorkerTable table({});
        table.add(1, std::make_unique<Noted>(notes, "throws"));
        auto const record = table.leave(1);
        ASSERT_TRUE(record);
        EXPECT_FALSE(record->has_value);
        EXPECT_EQ(record->error, "worker_exit failed: no; the destructor of the worker state failed: stuck");
        table.add(2, std::make_unique<Noted>(notes, "throws"));
        table.add(3, std::make_unique<Noted>(notes, "c"));
    }
    EXPECT_THAT(notes, ElementsAre("exit throws", "end throws", "end throws", "end c"));
}

TEST(WorkerTable, LeavesAllStatesTellingTheBeginningBeforeTheEnd) {
    std::vector<std::string> notes, told;
    WorkerTable table({});
    table.add(1, std::make_unique<Noted>(notes, "a"));
    table.add(2, std::make_unique<Noted>(notes, "b"));
    table.leave_all([&](std::uint64_t id, ExitRecord const& record, bool begun) {
        told.push_back(std::to_string(id) + (begun ? " begins" : " " + record.value));
        EXPECT_EQ(record.error.empty(), !begun);
        EXPECT_EQ(notes.size(), 2 * ((told.size()) / 2)) << "the beginning is told before worker_exit runs";
    });
    EXPECT_THAT(told, ElementsAre("2 begins", "2 b", "1 begins", "1 a"));
    EXPECT_EQ(table.find(1), nullptr);
}

// ---- an executor with its leader ----

auto const counts_tasks = [](int& count, std::uint64_t) { return ++count; };
auto const tells_count = [](int const& count) { return count; };
auto const starts_at_forty = [] { return 40; };
using Counting =
    detail::StatefulTask<decltype(starts_at_forty), decltype(tells_count), decltype(counts_tasks)>;

/// Each task ends its executor while the test wants it.
struct EndsWhileAsked {
    std::uint64_t flag_offset;
    std::uint64_t operator()(std::uint64_t task) const {
        auto& asked = *reinterpret_cast<std::atomic<int>*>(detail::node_base() + flag_offset);
        if (asked.load() != 0) ::_exit(1);
        return task + 100;
    }
};

class WorkersOfANode : public testing::Test {
protected:
    WorkersOfANode() {
        node_.format(executors, executors, base::now_ns());
        node_.header().first_executor = 7;
        node_.header().leader_bell = bell_.address();
        set_node_base(memory_.base());
        segments_ = std::make_unique<SegmentPool>(node_, node_.header().scratch_begin,
                                                  node_.header().scratch_end, UINT64_MAX, bell_.address());
        leader_ = std::make_unique<Leader>(node_, Leader::Place{}, *segments_, [this](wire::Message message) {
            if (auto* const results = std::get_if<wire::BlockResults>(&message)) {
                for (auto const& run : results->runs) final_ += run.count();
                for (auto const& failure : results->failures) failed_.push_back(failure.task);
                EXPECT_THAT(results->returned, IsEmpty());
            } else if (auto* const exit = std::get_if<wire::ExitResult>(&message)) {
                exits_.push_back(*exit);
            }
        });
    }
    void open(detail::BatchRequest const& request) {
        leader_->open({.batch = 1,
                       .function = request.function,
                       .tasks = executors,
                       .stride = request.stride,
                       .on_each = true,
                       .payload = wire::Payload::of(request.state)});
        leader_->assign(
            {.batch = 1, .block = 1, .tasks = {first_task, first_task + executors}, .payload = {}});
    }
    template <class Done>
    [[nodiscard]] bool tick_until(Done&& done) {
        for (auto const start = base::now_ns(); base::seconds_since(start) < 60; ::usleep(200)) {
            leader_->tick();
            if (done()) return true;
        }
        return false;
    }
    void tick_for_a_while() {
        auto const start = base::now_ns();
        EXPECT_TRUE(tick_until([&] { return base::now_ns() - start > 50'000'000; }));
    }

    static constexpr int executors = 3;
    static constexpr std::uint64_t first_task = 7;
    comm::SharedMapping memory_{64 << 20};
    base::Doorbell bell_;
    NodeView node_{{memory_.base(), memory_.bytes()}};
    std::unique_ptr<SegmentPool> segments_;
    std::unique_ptr<Leader> leader_;
    std::uint64_t final_ = 0;
    std::vector<std::uint64_t> failed_;
    std::vector<wire::ExitResult> exits_;
};

TEST_F(WorkersOfANode, AnExecutorThatLeavesAsPlannedTellsHowItsStatesEnded) {
    open(detail::request_for<Counting, detail::IndexItem>(
        Counting(9, starts_at_forty, tells_count, counts_tasks), executors, {}));
    std::vector<std::thread> threads;
    for (int i = 0; i < executors; ++i) {
        node_.cell(i).state.store(CellState::running);
        node_.cell(i).rank = 20 + i;
        threads.emplace_back([this, i] {
            Executor executor(node_, i, {});
            EXPECT_EQ(executor.run(), Executor::End::stopped);
            executor.leave_states();
        });
    }
    EXPECT_TRUE(tick_until([&] { return final_ == executors; }));
    EXPECT_THAT(exits_, IsEmpty());
    node_.header().stop.store(1);
    node_.header().work.fetch_add(1);
    base::futex_wake_all(node_.header().work);
    for (auto& thread : threads) thread.join();
    leader_->tick();

    ASSERT_EQ(exits_.size(), 2u * executors);
    for (std::size_t i = 0; i < exits_.size(); ++i) {
        EXPECT_EQ(exits_[i].state, 9u);
        EXPECT_EQ(exits_[i].begun, i % 2 == 0);
        auto const record = decode<ExitRecord>(exits_[i].payload.bytes);
        EXPECT_EQ(record.where.executor, 7 + static_cast<int>(i / 2));
        EXPECT_EQ(record.where.rank, 20 + static_cast<int>(i / 2));
        EXPECT_EQ(record.has_value, i % 2 == 1);
        if (i % 2 == 0) continue;
        auto const* const value = reinterpret_cast<std::byte const*>(record.value.data());
        EXPECT_EQ(decode<int>({value, record.value.size()}), 41);
    }
}

class EachOfDyingExecutors : public WorkersOfANode {
protected:
    EachOfDyingExecutors() : processes_(node_, bell_.address()) {
        open(detail::request_for<EndsWhileAsked, detail::IndexItem>({flag_}, executors, {}));
    }
    std::atomic<int>& asked() { return *node_.at<std::atomic<int>>(flag_); }
    void die_in_a_claim(int index) {
        auto& cell = node_.cell(index);
        cell.slot = 1;
        cell.phase = Phase::claiming;
        cell.state = CellState::dead;
        EXPECT_TRUE(tick_until([&] { return cell.state.load() == CellState::vacant; }));
    }

    test::ExecutorProcesses processes_;
    std::uint64_t flag_ = node_.header().arrays_begin;
};

TEST_F(EachOfDyingExecutors, TheBlockWaitsForEachExecutor) {
    for (int i = 0; i < executors; ++i) {
        EXPECT_LT(final_, static_cast<std::uint64_t>(executors));
        tick_for_a_while();
        EXPECT_LT(final_, static_cast<std::uint64_t>(executors)) << "nobody runs the task of another";
        processes_.start(i);
    }
    EXPECT_TRUE(tick_until([&] { return final_ == executors; }));
    EXPECT_THAT(failed_, IsEmpty());
}

TEST_F(EachOfDyingExecutors, ATaskThatWasNotOwnedIsTheSuccessors) {
    leader_->tick();  // the block is posted
    die_in_a_claim(0);
    die_in_a_claim(2);
    die_in_a_claim(0);
    for (int i = 0; i < executors; ++i) processes_.start(i);
    EXPECT_TRUE(tick_until([&] { return final_ == executors; }));
    EXPECT_THAT(failed_, IsEmpty());
}

TEST_F(EachOfDyingExecutors, ATaskThatEndsItsExecutorIsChargedOnce) {
    asked() = 1;
    for (int i = 0; i < executors; ++i) processes_.start(i);
    EXPECT_TRUE(tick_until([&] {
        processes_.reap();
        return final_ == executors;
    }));
    EXPECT_THAT(failed_, testing::UnorderedElementsAre(7u, 8u, 9u));
    asked() = 0;
    for (int i = 0; i < executors; ++i) processes_.start(i);
    tick_for_a_while();
    EXPECT_EQ(final_, static_cast<std::uint64_t>(executors)) << "a successor does not run it again";
}

// ---- rank 0 ----

TEST(ExitRecords, AnEndTakesThePlaceOfItsBeginningAndALoneBeginningStays) {
    comm::SharedMapping const memory(64 << 20);
    NodeView node({memory.base(), memory.bytes()});
    node.format(1, 1, base::now_ns());
    comm::Topology const topology;
    Host host(node, topology, {}, [](int, wire::Message const&) {}, {});
    auto const tell = [&](std::uint64_t state, int executor, bool begun, std::string text) {
        ExitRecord record;
        record.where.executor = executor;
        (begun ? record.error : record.value) = std::move(text);
        Bytes bytes;
        encode(record, bytes);
        host.on(
            wire::ExitResult{.state = state, .begun = begun, .payload = wire::Payload::of(std::move(bytes))});
    };
    tell(1, 0, true, "begins");
    tell(1, 1, true, "begins");
    tell(2, 0, true, "begins");
    tell(1, 0, false, "first");
    tell(1, 0, true, "begins");  // its successor, which crashes
    tell(2, 0, false, "other");
    tell(1, 0, true, "begins");  // and that one's
    tell(1, 0, false, "third");
    std::vector<std::string> told;
    for (auto const& record : host.take_exit_records(1))
        told.push_back(std::to_string(record.where.executor) + " " + record.value + record.error);
    EXPECT_THAT(told, ElementsAre("0 first", "1 begins", "0 begins", "0 third"));
    EXPECT_THAT(host.take_exit_records(1), IsEmpty());
    ASSERT_EQ(host.take_exit_records(2).size(), 1u);
}

}  // namespace
}  // namespace plenum::pool
