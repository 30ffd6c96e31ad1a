// Examples of docs/guide.md and docs/from-python.md: maps, lazy maps, single calls, futures, reduction. What
// stands between `example:` and `end` is shown there; the checks follow it.
#include <gmock/gmock.h>

#include <cmath>
#include <functional>
#include <future>
#include <numeric>
#include <ranges>
#include <stdexcept>

#include "api/pool_test.hpp"

namespace {

using plenum::api_test::contains;

// [example: result-struct]
struct Fit {
    double slope = 0;
    std::vector<double> residuals;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(slope, residuals);
    }
};
// [end]

TEST(MapExample, ResultsComeInTheOrderOfTheItems) {
    auto& pool = plenum::api_test::pool();
    // [example: map]
    std::vector<double> const angles{0.0, 0.5, 1.0};
    auto const sines = pool.map([](double angle) { return std::sin(angle); }, angles);
    double const last = sines[2];                       // in the order of the items
    std::vector<double> const all = sines.to_vector();  // a copy; sines itself refers to node memory
    // [end]
    EXPECT_EQ(last, std::sin(1.0));
    EXPECT_EQ(all, (std::vector{std::sin(0.0), std::sin(0.5), std::sin(1.0)}));
}

TEST(MapExample, IndicesNeedNoItems) {
    auto& pool = plenum::api_test::pool();
    // [example: map-indices]
    auto const squares = pool.map([](std::uint64_t i) { return i * i; }, plenum::indices(1'000'000));
    std::uint64_t const sum = std::accumulate(squares.begin(), squares.end(), std::uint64_t{0});
    // [end]
    EXPECT_EQ(sum, 333'332'833'333'500'000u);
}

TEST(MapExample, ATaskWritesItsResultInPlace) {
    auto& pool = plenum::api_test::pool();
    // [example: map-span]
    auto const rows = pool.map(
        [](std::uint64_t row, std::span<float> out) {
            for (std::size_t x = 0; x < out.size(); ++x) out[x] = static_cast<float>(row * x);
        },
        plenum::indices(512), {.shape = {640}});
    float const value = rows[511][639];
    // [end]
    EXPECT_EQ(value, 511.0f * 639.0f);
}

TEST(MapExample, StructsAreResults) {
    auto& pool = plenum::api_test::pool();
    // [example: result-struct]
    auto const fits = pool.map(
        [](int n) {
            return Fit{2.0 * n, std::vector<double>(static_cast<std::size_t>(n))};
        },
        std::vector{1, 2, 3});
    // [end]
    EXPECT_EQ(fits[2].slope, 6.0);
    EXPECT_EQ(fits[2].residuals.size(), 3u);
}

TEST(MapExample, StarmapUnpacksTuples) {
    auto& pool = plenum::api_test::pool();
    // [example: starmap]
    std::vector<std::tuple<double, int>> const cases{{2.0, 3}, {3.0, 2}};
    auto const power = [](double base, int n) { return std::pow(base, n); };
    auto const powers = pool.starmap(power, cases);
    auto const later = pool.starmap_async(power, cases);  // does not wait
    // [end]
    EXPECT_EQ(powers[0], 8.0);
    EXPECT_EQ(powers[1], 9.0);
    EXPECT_EQ(later.get()[1], 9.0);
}

TEST(MapExample, MapAsyncDoesNotWait) {
    auto& pool = plenum::api_test::pool();
    // [example: map-async]
    auto const running = pool.map_async([](std::uint64_t i) { return 2 * i; }, plenum::indices(1000));
    bool const over =
        running.wait(plenum::Seconds(0.01));  // or ready(); the body can do other work meanwhile
    auto const doubled = running.get();       // waits; get(Seconds) throws TimeoutError
    // [end]
    (void)over;
    EXPECT_EQ(doubled[999], 1998u);
    EXPECT_TRUE(running.successful());
}

TEST(MapExample, CallbacksGetAllResults) {
    auto& pool = plenum::api_test::pool();
    // [example: callback]
    std::promise<double> total;
    pool.map_async([](std::uint64_t i) { return 0.5 * static_cast<double>(i); }, plenum::indices(5))
        .on_done(
            [&](auto const& results) {
                total.set_value(std::accumulate(results.begin(), results.end(), 0.0));
            },
            [&](std::exception_ptr error) { total.set_exception(error); });
    double const sum = total.get_future().get();
    // [end]
    EXPECT_EQ(sum, 5.0);
}

TEST(MapExample, ApplyCallsOnce) {
    auto& pool = plenum::api_test::pool();
    // [example: apply]
    auto const root = [](double x) { return std::sqrt(x); };
    double const now = pool.apply(root, 2.0);        // waits
    auto const later = pool.apply_async(root, 3.0);  // the same as submit: a Future<double>
    double const both = now + later.get();
    // [end]
    EXPECT_DOUBLE_EQ(both, std::sqrt(2.0) + std::sqrt(3.0));
}

TEST(MapExample, ImapIsLazy) {
    auto& pool = plenum::api_test::pool();
    // [example: imap]
    auto const numbers = std::views::iota(std::uint64_t{1});  // endless
    std::uint64_t sum = 0, last = 0;
    for (auto const square : pool.imap([](std::uint64_t i) { return i * i; }, numbers)) {
        sum += last = square;          // in order: 1, 4, 9, ...
        if (last >= 1'000'000) break;  // drops what is queued
    }
    // [end]
    EXPECT_EQ(last, 1'000'000u);
    EXPECT_EQ(sum, 333'833'500u);
}

TEST(MapExample, ImapUnorderedKnowsTheIndex) {
    auto& pool = plenum::api_test::pool();
    // [example: imap-unordered]
    std::vector<std::string> const words{"alpha", "beta", "gamma"};
    std::vector<std::size_t> lengths(words.size());
    auto results =
        pool.imap_unordered([](std::string const& word) { return word.size(); }, words, {.buffer = 1000});
    for (auto it = results.begin(); it != results.end(); ++it) lengths[it.index()] = *it;
    // [end]
    EXPECT_EQ(lengths, (std::vector<std::size_t>{5, 4, 5}));
}

TEST(MapExample, TechniquesSizeTheChunks) {
    auto& pool = plenum::api_test::pool();
    auto const simulate = [](std::uint64_t i) { return 3 * i; };
    // [example: chunks]
    auto const a = pool.map(simulate, plenum::indices(10'000));                        // measured times
    auto const b = pool.map(simulate, plenum::indices(10'000), {.chunk_size = 16});    // always 16 tasks
    auto const c = pool.map(simulate, plenum::indices(10'000), {.schedule = "fac2"});  // a technique by name
    // [end]
    EXPECT_TRUE(std::ranges::equal(a.span(), b.span()));
    EXPECT_TRUE(std::ranges::equal(a.span(), c.span()));
}

TEST(FutureExample, AFutureHasTheResultLater) {
    auto& pool = plenum::api_test::pool();
    // [example: submit]
    plenum::Future<double> const energy =
        pool.submit([](double mass, double speed) { return mass * speed * speed / 2; }, 2.0, 3.0);
    if (!energy.wait(plenum::Seconds(60))) energy.cancel();  // get(Seconds) throws TimeoutError instead
    double const joule = energy.get();
    // [end]
    EXPECT_EQ(joule, 9.0);
    EXPECT_TRUE(energy.ready() && energy.successful() && !energy.cancelled());
    EXPECT_EQ(energy.exception(), nullptr);
}

TEST(FutureExample, AsCompletedGivesTheNextThatEnds) {
    auto& pool = plenum::api_test::pool();
    // [example: as-completed]
    std::vector<plenum::Future<int>> futures;
    for (int i = 0; i < 20; ++i) futures.push_back(pool.submit([](int n) { return n * n; }, i));
    int sum = 0;
    for (auto const& future : plenum::as_completed(futures, plenum::Seconds(60))) sum += future.get();
    // [end]
    EXPECT_EQ(sum, 2470);
}

TEST(FutureExample, WaitSaysWhichHaveEnded) {
    auto& pool = plenum::api_test::pool();
    // [example: wait]
    auto const half = [](int n) { return n % 2 == 0 ? n / 2 : throw std::invalid_argument("odd"); };
    std::vector const futures{pool.submit(half, 4), pool.submit(half, 7)};
    auto const waited = plenum::wait(futures, plenum::WaitFor::first_exception);
    bool const failed =
        std::ranges::any_of(waited.done, [&](auto i) { return futures[i].exception() != nullptr; });
    // [end]
    EXPECT_TRUE(failed);
    EXPECT_EQ(futures[0].get(), 2);
}

TEST(FutureExample, ThenGoesOnWhenTheResultIsThere) {
    auto& pool = plenum::api_test::pool();
    // [example: then]
    auto const text = pool.submit([](int n) { return n * n; }, 12).then([](int square) {
        return "12 squared is " + std::to_string(square);  // on rank 0, on the pool's callback thread
    });
    std::string const line = text.get();
    // [end]
    EXPECT_EQ(line, "12 squared is 144");
}

TEST(ReductionExample, MapReduceNeedsConstantMemory) {
    auto& pool = plenum::api_test::pool();
    // [example: map-reduce]
    double const quarter_of_pi = pool.map_reduce(
        [](std::uint64_t k) { return (k % 2 == 0 ? 1.0 : -1.0) / (2.0 * static_cast<double>(k) + 1); },
        plenum::indices(10'000'000), 0.0, std::plus<>());
    // [end]
    EXPECT_NEAR(4 * quarter_of_pi, 3.14159265, 1e-6);
}

TEST(ReductionExample, RandomNumbersBelongToTheTask) {
    auto& pool = plenum::api_test::pool();
    // [example: random]
    auto const inside = pool.map(
        [seed = std::uint64_t{42}](std::uint64_t task) {
            auto rng = plenum::task_rng(seed, task);
            int hits = 0;
            for (int i = 0; i < 1000; ++i) hits += std::hypot(rng.uniform01(), rng.uniform01()) < 1;
            return hits;
        },
        plenum::indices(1000));
    // [end]
    auto rng = plenum::task_rng(42, 999);
    int hits = 0;
    for (int i = 0; i < 1000; ++i) hits += std::hypot(rng.uniform01(), rng.uniform01()) < 1;
    EXPECT_EQ(inside[999], hits) << "the same numbers outside of tasks";
    EXPECT_NEAR(std::accumulate(inside.begin(), inside.end(), 0.0) / 1e6, 0.785398, 0.003);
}

}  // namespace
