// map_async, submit and futures.
#include <array>
#include <chrono>
#include <map>
#include <numeric>
#include <plenum/pool.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "pool_test.hpp"

namespace plenum::api_test {
namespace {

using namespace std::chrono_literals;

auto const square = [](std::uint64_t i) { return i * i; };
auto const nap = [](double seconds) {
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    return seconds;
};

TEST(MapAsync, GivesTheResultsOfMap) {
    auto const later = pool().map_async(square, plenum::indices(10'000));
    auto const results = later.get();
    ASSERT_EQ(results.size(), 10'000u);
    for (std::uint64_t i = 0; i < results.size(); ++i) ASSERT_EQ(results[i], i * i);
    EXPECT_TRUE(later.ready());
    EXPECT_TRUE(later.successful());
}

TEST(MapAsync, CopiesItsItems) {
    auto items = std::make_unique<std::vector<int>>(5'000);
    std::iota(items->begin(), items->end(), 0);
    auto const later = pool().map_async([](int i) { return 2 * i; }, *items);
    std::fill(items->begin(), items->end(), -1);
    items.reset();
    auto const results = later.get();
    for (int i = 0; i < 5'000; ++i) ASSERT_EQ(results[static_cast<std::uint64_t>(i)], 2 * i);
}

TEST(MapAsync, BatchesInterleave) {
    // The long batch has begun, and would take longer than the test may; the short one ends all the same.
    auto const slow = pool().map_async(
        [](std::uint64_t) {
            std::this_thread::sleep_for(20ms);
            return 1;
        },
        plenum::indices(5'000'000), {.chunk_size = 1});
    std::this_thread::sleep_for(50ms);
    auto const quick = pool().map_async(square, plenum::indices(100));
    EXPECT_EQ(quick.get()[99], 99u * 99u);
    EXPECT_FALSE(slow.ready());
    EXPECT_EQ(pool().apply(square, std::uint64_t{12}), 144u);
    EXPECT_FALSE(slow.ready());
    slow.cancel();
    auto const partial = slow.partial();
    EXPECT_GT(partial.failures().size(), 4'000'000u);
    EXPECT_EQ(partial.failures().back().cause, plenum::FailureCause::cancelled);
    EXPECT_THROW((void)partial[partial.size() - 1], plenum::TaskError);
    EXPECT_THROW((void)slow.get(), plenum::TaskError);
    EXPECT_EQ(partial[0], 1);
}

TEST(MapAsync, TimeoutLeavesTheMapRunning) {
    auto const slow = pool().map_async(nap, std::vector<double>{0.3, 0.0});
    EXPECT_FALSE(slow.wait(1ms));
    EXPECT_THROW((void)slow.get(1ms), plenum::TimeoutError);
    EXPECT_EQ(slow.get()[0], 0.3);
}

TEST(MapAsync, CallbacksGetTheResultsOrTheError) {
    std::atomic<std::uint64_t> sum{0};
    std::atomic<int> errors{0};
    std::string message;
    auto const good = pool().map_async(square, plenum::indices(10));
    good.on_done([&](auto const& results) { sum = results[9] + results[3]; },
                 [&](std::exception_ptr) { errors += 100; });
    auto const bad = pool().map_async(
        [](std::uint64_t i) -> std::uint64_t {
            if (i == 3) throw std::runtime_error("three");
            return i;
        },
        plenum::indices(10));
    bad.on_done([&](auto const&) { errors += 100; },
                [&](std::exception_ptr error) {
                    try {
                        std::rethrow_exception(error);
                    } catch (plenum::TaskError const& task_error) {
                        message = task_error.data().message;
                        if (task_error.data().task == 3) ++errors;
                    }
                });
    while (sum == 0 || errors == 0) std::this_thread::sleep_for(1ms);
    EXPECT_EQ(sum, 90u);
    EXPECT_EQ(errors, 1);
    EXPECT_EQ(message, "three");
}

TEST(MapAsync, ErrorsCarryTheOtherResults) {
    try {
        (void)pool().map(
            [](std::uint64_t i) -> std::uint64_t {
                if (i % 7 == 6) throw std::runtime_error("seven");
                return i;
            },
            plenum::indices(20));
        FAIL();
    } catch (plenum::MapError<std::uint64_t> const& error) {
        EXPECT_EQ(error.data().task, 6u);
        EXPECT_EQ(error.results().failures().size(), 2u);
        EXPECT_EQ(error.results()[19], 19u);
        EXPECT_THROW((void)error.results()[13], plenum::TaskError);
    }
}

TEST(Priority, UrgentTasksGoFirst) {
    auto const slow = pool().map_async(
        [](std::uint64_t) {
            std::this_thread::sleep_for(2ms);
            return 0;
        },
        plenum::indices(1'000'000), {.chunk_size = 1, .priority = -1});
    auto const urgent = pool().map(
        [](std::uint64_t i) {
            std::this_thread::sleep_for(1ms);
            return i;
        },
        plenum::indices(50), {.chunk_size = 1, .priority = 1});
    EXPECT_EQ(urgent[49], 49u);
    slow.cancel();
    // Hardly any task of the other batch ran meanwhile: those at work when the urgent ones came.
    auto const ran = 1'000'000 - slow.partial().failures().size();
    EXPECT_LT(ran, 1000u);
}

TEST(Starmap, UnpacksTuplesAndPairs) {
    std::vector<std::tuple<int, std::string, double>> const items{{1, "a", 0.5}, {2, "bc", 1.5}};
    auto const results = pool().starmap(
        [](int n, std::string const& s, double x) { return s + std::to_string(n) + std::to_string(x > 1); },
        items);
    EXPECT_EQ(results[0], "a10");
    EXPECT_EQ(results[1], "bc21");
    std::map<int, int> const pairs{{1, 2}, {3, 4}};
    auto const sums = pool().starmap_async([](int a, int b) { return a + b; }, pairs).get();
    EXPECT_EQ(sums[1], 7);
}

TEST(Submit, ReturnsWhatTheCallReturns) {
    auto const a = pool().submit([](int x, double y) { return x * y; }, 6, 7.0);
    auto const b = pool().submit([](std::string const& s) { return s + s; }, std::string("ab"));
    auto const c =
        pool().submit([](std::vector<double> const& v) { return std::vector<double>(v.size(), v[0]); },
                      std::vector<double>{2.5, 1});
    auto const d = pool().submit([] { return std::array{1, 2, 3}; });
    int captured = 5;
    auto const e = pool().submit([captured](int x) { return captured + x; }, 1);
    EXPECT_EQ(a.get(), 42.0);
    EXPECT_EQ(b.get(), "abab");
    EXPECT_EQ(c.get(), (std::vector<double>{2.5, 2.5}));
    EXPECT_EQ(d.get(), (std::array{1, 2, 3}));
    EXPECT_EQ(e.get(), 6);
    EXPECT_EQ(e.get(), 6);
    EXPECT_EQ(pool().apply([](int x) { return -x; }, 3), -3);
}

TEST(Submit, ManyCallsEachGetTheirOwnResult) {
    std::vector<plenum::Future<std::uint64_t>> futures;
    for (std::uint64_t i = 0; i < 20'000; ++i) futures.push_back(pool().submit(square, i));
    for (std::uint64_t i = 0; i < futures.size(); ++i) ASSERT_EQ(futures[i].get(), i * i);
}

TEST(Submit, ErrorsNameTheCause) {
    auto const future =
        pool().submit([](int x) -> int { throw std::runtime_error("no " + std::to_string(x)); }, 4);
    EXPECT_NE(future.exception(), nullptr);
    EXPECT_FALSE(future.successful());
    try {
        (void)future.get();
        FAIL();
    } catch (plenum::TaskError const& error) {
        EXPECT_EQ(error.data().message, "no 4");
        EXPECT_EQ(error.data().attempt, 1);
        EXPECT_FALSE(error.data().host.empty());
    }
    EXPECT_EQ(pool().submit([](int x) { return x; }, 4).get(), 4);
}

TEST(Submit, LongCallsDoNotHoldBackShortOnes) {
    if (pool().ranks() == 1) GTEST_SKIP() << "one executor";
    auto const slow = pool().submit(nap, 0.5);
    std::vector<plenum::Future<double>> quick;
    for (int i = 0; i < 20; ++i) quick.push_back(pool().submit(nap, 0.0));
    for (auto const& future : quick) EXPECT_EQ(future.get(), 0.0);
    EXPECT_FALSE(slow.ready());
    EXPECT_EQ(slow.get(), 0.5);
}

TEST(Cancel, QueuedCallsNeverRun) {
    // A function of its own: what a node holds of a queue goes by the times of its earlier calls.
    auto const nap_of_this_test = [](double seconds) { return nap(seconds); };
    std::vector<plenum::Future<double>> futures;
    for (int i = 0; i < 500; ++i) futures.push_back(pool().submit(nap_of_this_test, 0.01));
    int cancelled = 0;
    for (auto i = futures.rbegin(); i != futures.rend(); ++i) cancelled += i->cancel() ? 1 : 0;
    EXPECT_GT(cancelled, 400);
    EXPECT_TRUE(futures.back().cancelled());
    EXPECT_THROW((void)futures.back().get(), plenum::CancelledError);
    int done = 0;
    for (auto const& future : futures)
        if (!future.cancelled()) done += future.get() == 0.01 ? 1 : 0;
    EXPECT_EQ(done + cancelled, 500);
    EXPECT_FALSE(futures.front().cancel());
}

TEST(Cancel, OfThePoolDropsWhatIsQueuedAndThePoolGoesOn) {
    std::vector<plenum::Future<double>> futures;
    for (int i = 0; i < 300; ++i) futures.push_back(pool().submit(nap, 0.02));
    auto const map =
        pool().map_async(nap, std::vector<double>(300, 0.02), {.on_failure = plenum::OnFailure::collect});
    pool().cancel();
    int ended = 0;
    for (auto const& future : futures) {
        future.wait();
        ended += future.cancelled() || future.successful() ? 1 : 0;
    }
    EXPECT_EQ(ended, 300);
    EXPECT_TRUE(futures.back().cancelled());
    EXPECT_GT(map.get().failures().size(), 100u);
    EXPECT_EQ(pool().apply(nap, 0.0), 0.0);
    EXPECT_EQ(pool().map(square, plenum::indices(10))[3], 9u);
}

TEST(Waiting, AsCompletedGivesEachOnce) {
    std::vector<plenum::Future<double>> futures{pool().submit(nap, 0.3), pool().submit(nap, 0.0),
                                                pool().submit(nap, 0.01)};
    std::vector<double> order;
    for (auto const& future : plenum::as_completed(futures)) order.push_back(future.get());
    ASSERT_EQ(order.size(), 3u);
    if (pool().ranks() > 1) {
        EXPECT_EQ(order.back(), 0.3);
    }
    EXPECT_EQ(std::accumulate(order.begin(), order.end(), 0.0), 0.31);
}

TEST(Waiting, AsCompletedTimesOut) {
    std::vector<plenum::Future<double>> const futures{pool().submit(nap, 0.2)};
    auto completed = plenum::as_completed(futures, 10ms);
    EXPECT_THROW((void)completed.begin(), plenum::TimeoutError);
    EXPECT_EQ(futures[0].get(), 0.2);
}

TEST(Waiting, ForTheFirstTheFirstErrorOrAll) {
    auto const fails = [](double seconds) -> double {
        std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
        throw std::runtime_error("no");
    };
    std::vector<plenum::Future<double>> futures{pool().submit(nap, 0.0), pool().submit(fails, 0.01),
                                                pool().submit(nap, 0.02)};
    EXPECT_GE(plenum::wait(futures, plenum::WaitFor::first_completed).done.size(), 1u);
    auto const failed = plenum::wait(futures, plenum::WaitFor::first_exception);
    EXPECT_TRUE(futures[1].ready());
    auto const all = plenum::wait(futures);
    EXPECT_EQ(all.done.size(), 3u);
    EXPECT_TRUE(all.not_done.empty());
    auto const slow = std::vector{pool().submit(nap, 0.5)};
    EXPECT_EQ(plenum::wait(slow, plenum::WaitFor::all, 1ms).not_done.size(), 1u);
    EXPECT_THROW((void)slow[0].get(1ms), plenum::TimeoutError);
    EXPECT_EQ(slow[0].get(), 0.5);
}

TEST(Then, ContinuesOnRankZero) {
    auto const text =
        pool().submit(square, std::uint64_t{5}).then([](std::uint64_t x) { return std::to_string(x); });
    EXPECT_EQ(text.get(), "25");
    auto const failed =
        pool().submit([](int) -> int { throw std::runtime_error("gone"); }, 1).then([](int x) { return x; });
    EXPECT_THROW((void)failed.get(), plenum::TaskError);
    // A callback may submit.
    auto const chained = pool().submit(square, std::uint64_t{3}).then([](std::uint64_t x) {
        return pool().submit(square, x);
    });
    EXPECT_EQ(chained.get().get(), 81u);
}

TEST(Futures, CanBeForgotten) {
    for (int i = 0; i < 2'000; ++i) (void)pool().submit(square, std::uint64_t{7});
    (void)pool().map_async(square, plenum::indices(1'000));
    EXPECT_EQ(pool().apply(square, std::uint64_t{2}), 4u);
}

TEST(Futures, SharedArraysMayGoWhileCallsThatUseThemRun) {
    auto const n = std::size_t{1} << 16;
    std::vector<plenum::Future<double>> sums;
    for (int round = 0; round < 20; ++round) {
        auto const array = pool().share(std::vector<double>(n, round));
        sums.push_back(pool().submit(
            [array = array.ref()](int pause) {
                std::this_thread::sleep_for(std::chrono::milliseconds(pause));
                return std::accumulate(array.begin(), array.end(), 0.0);
            },
            5));
    }
    for (std::size_t i = 0; i < sums.size(); ++i) EXPECT_EQ(sums[i].get(), static_cast<double>(i * n));
}

}  // namespace
}  // namespace plenum::api_test
