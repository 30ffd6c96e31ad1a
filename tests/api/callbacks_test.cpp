// Callbacks of futures that throw, submit, map and wait.
#include <atomic>
#include <chrono>
#include <future>
#include <plenum/pool.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>

#include "pool_test.hpp"

namespace plenum::api_test {
namespace {

using namespace std::chrono_literals;

auto const twice = [](std::uint64_t i) { return 2 * i; };

TEST(Callbacks, ThatThrowKeepNoOtherFromRunning) {
    auto const ran = std::make_shared<std::atomic<int>>(0);
    std::vector<plenum::Future<std::uint64_t>> futures;
    for (std::uint64_t i = 0; i < 20; ++i) {
        futures.push_back(pool().submit(twice, i));
        futures.back().on_done([ran, i](auto const&) {
            ++*ran;
            if (i == 3) throw std::runtime_error("on purpose");
            if (i == 4) throw 4;
        });
    }
    for (int i = 0; i < 10'000 && *ran < 20; ++i) std::this_thread::sleep_for(1ms);
    EXPECT_EQ(*ran, 20);
    auto const thrown = futures[5].then([](std::uint64_t) -> int { throw std::runtime_error("in then"); });
    EXPECT_THROW((void)thrown.get(), std::runtime_error);
}

TEST(Callbacks, OfAFutureThatHasEndedRunOnTheirThreadToo) {
    auto const body = std::this_thread::get_id();
    auto const first = pool().submit(twice, std::uint64_t{4});
    auto const second = first.then([](std::uint64_t x) { return std::pair(x, std::this_thread::get_id()); });
    auto const [value, where] = second.get();
    EXPECT_EQ(value, 8u);
    EXPECT_NE(where, body);
    auto const there = second.then([](auto const&) { return std::this_thread::get_id(); }).get();
    EXPECT_EQ(there, where);
    std::promise<std::thread::id> seen;
    second.on_done([&seen](auto const&) {
        seen.set_value(std::this_thread::get_id());
        throw std::runtime_error("this does not reach the body");
    });
    EXPECT_EQ(seen.get_future().get(), where);
}

TEST(Callbacks, MapSubmitAndStream) {
    auto const all = pool().submit(twice, std::uint64_t{50}).then([](std::uint64_t n) {
        std::uint64_t sum = pool().map(twice, plenum::indices(n))[n - 1];
        for (auto const value : pool().imap(twice, plenum::indices(n))) sum += value;
        sum += pool().apply(twice, n);
        auto const array = pool().share(std::vector<std::uint64_t>(10, n));
        return sum + pool().apply([array = array.ref()](int i) { return array[static_cast<std::size_t>(i)]; }, 9);
    });
    EXPECT_EQ(all.get(), 198u + 2u * 4'950u + 200u + 100u);
}

TEST(Callbacks, ThatWaitForALaterCallbackAreRefused) {
    auto const first = pool().submit(twice, std::uint64_t{1});
    auto const refused = first.then([](std::uint64_t) {
        auto const later = pool().submit(twice, std::uint64_t{2}).then([](std::uint64_t x) { return x; });
        return later.get();
    });
    EXPECT_THAT(message_of<plenum::UsageError>([&] { (void)refused.get(); }), testing::HasSubstr("then()"));
    EXPECT_EQ(pool().submit(twice, std::uint64_t{3}).then(twice).get(), 12u);
}

TEST(Callbacks, ChainsOfAnyLength) {
    auto future = pool().submit(twice, std::uint64_t{0});
    for (int i = 0; i < 2'000; ++i) future = future.then([](std::uint64_t x) { return x + 1; });
    EXPECT_EQ(future.get(), 2'000u);
}

TEST(Callbacks, CancelWhatIsQueued) {
    std::vector<plenum::Future<int>> queued;
    auto const nap = [](int ms) {
        std::this_thread::sleep_for(std::chrono::milliseconds(ms));
        return ms;
    };
    auto const gate = pool().submit(nap, 20);
    for (int i = 0; i < 300; ++i) queued.push_back(pool().submit(nap, 2));
    auto const cancelled = gate.then([queued](int) {
        int count = 0;
        for (auto i = queued.rbegin(); i != queued.rend(); ++i) count += i->cancel() ? 1 : 0;
        return count;
    });
    int done = 0;
    for (auto const& future : queued) {
        future.wait();
        done += future.successful() ? 1 : 0;
    }
    EXPECT_EQ(done + cancelled.get(), 300);
}

}  // namespace
}  // namespace plenum::api_test
