// The times that executors note are those of the tasks: schedules, node weights and the result file rest on them.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <plenum/detail/batch_request.hpp>
#include <thread>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/futex.hpp"
#include "comm/shared_mapping.hpp"
#include "pool/executor.hpp"
#include "pool/leader.hpp"
#include "sched/technique.hpp"

namespace plenum::pool {
namespace {

constexpr int tasks = 8;
constexpr auto one_task = std::chrono::milliseconds(5);

struct Sleeper {
    int operator()(std::uint64_t i) const {
        std::this_thread::sleep_for(one_task);
        return static_cast<int>(i);
    }
};

class ExecutorTimes : public testing::TestWithParam<bool> {};

TEST_P(ExecutorTimes, CoverTheWholeTask) {
    comm::SharedMapping const memory(64 << 20);
    NodeView node({memory.base(), memory.bytes()});
    node.format(1, 1, base::now_ns());
    SegmentPool segments(node, node.header().scratch_begin, node.header().scratch_end, UINT64_MAX, {});
    std::vector<wire::Timing> rows;
    bool complete = false;
    Leader leader(node, {}, segments, [&](wire::Message message) {
        auto const* const results = std::get_if<wire::BlockResults>(&message);
        if (results == nullptr) return;
        rows.insert(rows.end(), results->timing.begin(), results->timing.end());
        complete = !results->timing.empty();
    });
    auto const request = detail::request_for<Sleeper, detail::IndexItem>({}, tasks, {});
    leader.open({.batch = 1, .function = request.function, .tasks = tasks, .stride = request.stride,
                 .schedule = static_cast<std::uint8_t>(sched::Technique::automatic), .timing = true,
                 .payload = wire::Payload::of(request.state)});
    leader.assign({.batch = 1, .block = 1, .tasks = {0, tasks}, .payload = {}});

    // With captured output every long task is looked after on its own.
    std::array<int, 2> out{-1, -1}, error{-1, -1};
    if (GetParam()) {
        ASSERT_EQ(::pipe2(out.data(), O_CLOEXEC), 0);
        ASSERT_EQ(::pipe2(error.data(), O_CLOEXEC), 0);
    }
    node.cell(0).state.store(CellState::running);
    std::thread executor([&] { (void)Executor(node, 0, {out[1], error[1]}).run(); });
    auto const start = base::now_ns();
    while (!complete && base::seconds_since(start) < 60) {
        leader.tick();
        ::usleep(1000);
    }
    node.header().stop.store(1);
    node.header().work.fetch_add(1);
    base::futex_wake_all(node.header().work);
    executor.join();
    for (int const fd : {out[0], out[1], error[0], error[1]})
        if (fd >= 0) ::close(fd);

    ASSERT_TRUE(complete);
    auto const least = std::chrono::duration<double>(one_task).count();
    std::uint64_t timed = 0;
    for (auto const& row : rows) {
        timed += row.count;
        EXPECT_GE(row.duration, least * row.count) << "tasks from " << row.first;
    }
    EXPECT_EQ(timed, static_cast<std::uint64_t>(tasks));
    EXPECT_EQ(node.cell(0).tasks_done.load(), static_cast<std::uint64_t>(tasks));
    EXPECT_GE(static_cast<double>(node.cell(0).busy_ns.load()) * 1e-9, least * tasks);
}

INSTANTIATE_TEST_SUITE_P(Output, ExecutorTimes, testing::Bool(),
                         [](auto const& test) { return test.param ? "Captured" : "NotCaptured"; });

}  // namespace
}  // namespace plenum::pool
