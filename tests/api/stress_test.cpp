// Futures under load: many at once, dropped and cancelled at random, from several threads, while tasks crash.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <plenum/pool.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "pool_test.hpp"
#include "process_use.hpp"

namespace plenum::api_test {
namespace {

using namespace std::chrono_literals;

auto const mixed = [](std::uint64_t i) { return i * 0x9e3779b97f4a7c15u ^ (i >> 7); };

std::uint64_t calls_of_the_test() {
    auto const* const asked = std::getenv("PLENUM_TEST_CALLS");
    return asked != nullptr ? std::stoull(asked) : 30'000;
}

TEST(Stress, KeptFuturesHaveTheirResultWhateverHappensToTheOthers) {
    (void)pool().apply(mixed, std::uint64_t{1});
    auto const resident_before = resident_bytes();
    std::mt19937_64 random(7);
    std::vector<std::pair<std::uint64_t, plenum::Future<std::uint64_t>>> kept;
    std::uint64_t cancelled = 0, checked = 0;
    auto const count = calls_of_the_test();
    auto const check = [&] {
        for (auto const& [i, future] : kept) {
            if (future.cancelled()) continue;
            ASSERT_EQ(future.get(), mixed(i));
            ++checked;
        }
        kept.clear();
    };
    for (std::uint64_t i = 0; i < count; ++i) {
        auto future = pool().submit(mixed, i);
        auto const fate = random() % 4;
        if (fate == 0) continue;  // forgotten
        if (fate == 1 && future.cancel()) {
            ++cancelled;
            ASSERT_THROW((void)future.get(), plenum::CancelledError);
            continue;
        }
        kept.emplace_back(i, std::move(future));
        if (random() % 8 == 0) cancelled += kept[random() % kept.size()].second.cancel() ? 1 : 0;
        if (kept.size() == 1'000) check();
    }
    check();
    EXPECT_GT(checked, count / 4);
    EXPECT_GT(cancelled, 0u);
    EXPECT_LT(resident_bytes(), resident_before + (std::uint64_t{64} << 20));
}

TEST(Stress, ThreadsSubmitAtOnce) {
    std::atomic<std::uint64_t> wrong{0}, good{0};
    {
        std::vector<std::jthread> threads;
        for (std::uint64_t t = 0; t < 4; ++t)
            threads.emplace_back([&, t] {
                // Items that grow make the engine look at the memory of a block while results arrive.
                for (std::uint64_t round = 1; round <= 20; ++round) {
                    std::vector<plenum::Future<std::string>> futures;
                    for (std::uint64_t i = 0; i < 50; ++i)
                        futures.push_back(pool().submit([](std::string const& s) { return s + "!"; },
                                                        std::string(round * 40 + i, static_cast<char>('a' + t))));
                    for (std::uint64_t i = 0; i < 50; ++i) {
                        auto const text = futures[i].get();
                        bool const right = text.size() == round * 40 + i + 1 && text.back() == '!' &&
                                           text[0] == static_cast<char>('a' + t);
                        ++(right ? good : wrong);
                    }
                }
            });
    }
    EXPECT_EQ(wrong, 0u);
    EXPECT_EQ(good, 4u * 20 * 50);
}

TEST(Stress, ThreadsMapStreamShareAndCancelAtOnce) {
    std::atomic<int> wrong{0}, done{0};
    {
        std::vector<std::jthread> threads;
        threads.emplace_back([&] {
            for (int round = 0; round < 15; ++round) {
                auto const results = pool().map(mixed, plenum::indices(1'000));
                wrong += results[999] == mixed(999) ? 0 : 1;
            }
            ++done;
        });
        threads.emplace_back([&] {
            for (int round = 0; round < 15; ++round) {
                std::uint64_t next = 0;
                for (auto const value : pool().imap(mixed, plenum::indices(500))) wrong += value == mixed(next++) ? 0 : 1;
                wrong += next == 500 ? 0 : 1;
            }
            ++done;
        });
        for (int t = 0; t < 2; ++t)
            threads.emplace_back([&] {
                for (int round = 0; round < 15; ++round) {
                    auto const array = pool().share(std::vector<double>(10'000, round));
                    auto const last =
                        pool().apply([array = array.ref()](int at) { return array[static_cast<std::size_t>(at)]; }, 9'999);
                    wrong += last == round ? 0 : 1;
                }
                ++done;
            });
        threads.emplace_back([&] {
            for (int round = 0; round < 50; ++round) {
                std::vector<plenum::Future<int>> futures;
                for (int i = 0; i < 20; ++i) futures.push_back(pool().submit([](int x) { return x + 1; }, i));
                for (auto const& future : futures) (void)future.cancel();
                for (int i = 0; i < 20; ++i)
                    if (auto const& future = futures[static_cast<std::size_t>(i)]; !future.cancelled())
                        wrong += future.get() == i + 1 ? 0 : 1;
            }
            ++done;
        });
    }
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(done, 5);
}

TEST(Stress, CancellingThePoolInALoopLosesNoFuture) {
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> ended{0};
    std::jthread const submitter([&] {
        while (!stop) {
            std::vector<plenum::Future<std::uint64_t>> futures;
            for (std::uint64_t i = 0; i < 100; ++i) futures.push_back(pool().submit(mixed, i));
            for (std::uint64_t i = 0; i < 100; ++i) {
                futures[i].wait();
                if (futures[i].cancelled() || futures[i].get() == mixed(i)) ++ended;
            }
        }
    });
    for (int round = 0; round < 200 || ended == 0; ++round) {
        pool().cancel();
        std::this_thread::sleep_for(500us);
    }
    stop = true;
    const_cast<std::jthread&>(submitter).join();
    EXPECT_GT(ended, 0u);
    EXPECT_EQ(ended % 100, 0u);
    EXPECT_EQ(pool().apply(mixed, std::uint64_t{3}), mixed(3));
}

TEST(Stress, CrashesHitNobodyElse) {
    if (!tasks_are_isolated()) GTEST_SKIP() << "a crash would end this process";
    auto const fragile = [](std::uint64_t i) {
        if (i % 97 == 13) std::abort();
        if (i % 89 == 11) throw std::runtime_error("thrown");
        return i + 1;
    };
    auto const ends_well = [](std::uint64_t i) { return i % 97 != 13 && i % 89 != 11; };
    plenum::MapOptions const collect{.on_failure = plenum::OnFailure::collect};
    constexpr std::uint64_t count = 300;
    auto const map = pool().map_async(fragile, plenum::indices(count), collect);
    std::vector<plenum::Future<std::uint64_t>> futures;
    for (std::uint64_t i = 0; i < count; ++i) futures.push_back(pool().submit(fragile, i));
    std::uint64_t expected_good = 0;
    for (std::uint64_t i = 0; i < count; ++i) expected_good += ends_well(i) ? 1 : 0;
    std::uint64_t streamed = 0;
    auto stream = pool().imap_unordered(fragile, plenum::indices(count), collect);
    for (auto it = stream.begin(); it != stream.end(); ++it) {
        ASSERT_EQ(*it, it.index() + 1);
        ++streamed;
        if (streamed % 50 == 0) (void)futures[count - streamed].cancel();
    }
    EXPECT_EQ(streamed, expected_good);
    EXPECT_EQ(stream.failures().size(), count - expected_good);
    for (std::uint64_t i = 0; i < count; ++i) {
        futures[i].wait();
        if (futures[i].cancelled()) continue;
        EXPECT_EQ(futures[i].successful(), ends_well(i)) << i;
        if (ends_well(i)) {
            EXPECT_EQ(futures[i].get(), i + 1);
        } else {
            EXPECT_THROW((void)futures[i].get(), plenum::TaskError);
        }
    }
    auto const results = map.get();
    EXPECT_EQ(results.failures().size(), count - expected_good);
    for (std::uint64_t i = 0; i < count; ++i)
        if (ends_well(i)) {
            EXPECT_EQ(results[i], i + 1);
        }
}

TEST(Stress, RoundsLeaveNothingBehind) {
    auto const round = [](std::uint64_t number) {
        auto const array = pool().share(std::vector<std::uint64_t>(2'000, number));
        auto const read = [array = array.ref()](std::uint64_t i) { return array[i] + i; };
        auto const results = pool().map(read, plenum::indices(200));
        ASSERT_EQ(results[7], number + 7);
        (void)pool().submit(read, std::uint64_t{3});
        ASSERT_EQ(pool().apply(read, std::uint64_t{1'999}), number + 1'999);
        std::uint64_t seen = 0;
        for (auto const value : pool().imap(read, plenum::indices(100))) {
            ASSERT_EQ(value, number + seen);
            if (++seen == 60) break;  // the rest is dropped
        }
        (void)pool().map_async([](std::uint64_t i) { return std::to_string(i); }, plenum::indices(20));
        if (number % 10 == 0) pool().cancel();
    };
    for (std::uint64_t i = 0; i < 60; ++i) round(i);
    auto const resident = resident_bytes();
    auto const open_files = open_descriptors();
    for (std::uint64_t i = 0; i < 400; ++i) round(i);
    EXPECT_LT(resident_bytes(), resident + (std::uint64_t{24} << 20));
    EXPECT_LE(open_descriptors(), open_files);
}

}  // namespace
}  // namespace plenum::api_test
