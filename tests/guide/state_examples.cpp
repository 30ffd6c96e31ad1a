// Examples of docs/guide.md and docs/from-python.md: shared arrays, worker state, actors, caches. What stands
// between `example:` and `end` is shown there; the checks follow it.
#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <numeric>
#include <plenum/hdf5.hpp>
#include <plenum/image.hpp>

#include "api/pool_test.hpp"

namespace {

using plenum::api_test::contains;

// [example: shared-struct]
struct CsrRefs {
    plenum::SharedRef<double> values;
    plenum::SharedRef<int> columns, row_starts;
};
struct Csr {
    plenum::SharedArray<double> values;
    plenum::SharedArray<int> columns, row_starts;
    CsrRefs refs() const { return {values.ref(), columns.ref(), row_starts.ref()}; }
};
// [end]

TEST(SharedExample, OneCopyForEachNode) {
    auto& pool = plenum::api_test::pool();
    // [example: share]
    std::vector<double> table(1'000'000);
    std::iota(table.begin(), table.end(), 0.0);
    auto const shared = pool.share(table);  // one copy in the memory of each node
    auto const values =
        pool.map([t = shared.ref()](std::uint64_t i) { return t[1000 * i]; }, plenum::indices(1000));
    // [end]
    EXPECT_EQ(values[999], 999'000.0);
}

TEST(SharedExample, UpToThreeDimensions) {
    auto& pool = plenum::api_test::pool();
    // [example: share-shape]
    std::vector<float> const pixels(480 * 640, 0.5f);
    auto const image = pool.share(pixels, {480, 640});
    auto const sums = pool.map(
        [image = image.ref()](std::uint64_t y) {
            auto const row = image.row(y);  // image(y, x) is one pixel
            return std::accumulate(row.begin(), row.end(), 0.0f);
        },
        plenum::indices(image.rows()));
    // [end]
    EXPECT_EQ(sums.size(), 480u);
    EXPECT_EQ(sums[479], 320.0f);
}

TEST(SharedExample, FilledWhereItStays) {
    auto& pool = plenum::api_test::pool();
    // [example: share-filled]
    auto const shared =
        pool.share_filled<int>({1000, 1000}, [](std::span<int> a) { std::iota(a.begin(), a.end(), 0); });
    // [end]
    EXPECT_EQ(pool.apply([a = shared.ref()] { return a(999, 999); }), 999'999);
}

TEST(SharedExample, SeveralArraysTogether) {
    auto& pool = plenum::api_test::pool();
    // [example: shared-struct]
    Csr const matrix{pool.share<double>({2.0, 3.0, 4.0}), pool.share<int>({0, 1, 1}),
                     pool.share<int>({0, 2, 3})};
    auto const row_sums = pool.map(
        [a = matrix.refs()](std::uint64_t row) {
            auto const* const values = a.values.data();
            return std::accumulate(values + a.row_starts[row], values + a.row_starts[row + 1], 0.0);
        },
        plenum::indices(2));
    // [end]
    EXPECT_EQ(row_sums[0], 5.0);
    EXPECT_EQ(row_sums[1], 4.0);
}

TEST(SharedExample, WhatATaskNeedsIsCaptured) {
    auto& pool = plenum::api_test::pool();
    char const* const argv[] = {"program", "2.5"};
    // [example: share-capture]
    double const scale = std::stod(argv[1]);  // small: captured, travels with the task
    auto const weights = pool.share(std::vector<double>(1'000'000, 0.5));  // large: shared
    auto const scaled = pool.map([scale, w = weights.ref()](std::uint64_t i) { return scale * w[i]; },
                                 plenum::indices(weights.size()));
    // [end]
    EXPECT_EQ(scaled.size(), 1'000'000u);
    EXPECT_EQ(scaled[999'999], 1.25);
}

TEST(SharedExample, TheEndOfTheOwnerFreesTheMemory) {
    auto& pool = plenum::api_test::pool();
    double last = 0;
    // [example: share-free]
    for (int step = 0; step < 3; ++step) {
        auto const field = pool.share(std::vector<double>(1'000'000, step));
        auto const values =
            pool.map([f = field.ref()](std::uint64_t i) { return f[i]; }, plenum::indices(1000));
        last = values[999];
    }  // field ends, and its memory is free on every node
    // [end]
    EXPECT_EQ(last, 2.0);
}

TEST(SharedExample, TooLargeForANodeIsAnError) {
    auto& pool = plenum::api_test::pool();
    std::string why;
    // [example: share-too-large]
    try {
        auto const all = pool.share_filled<double>({1 << 20, 1 << 20}, [](std::span<double>) {});  // 8 TiB
    } catch (plenum::EnvironmentError const& error) {
        why = error.what();  // how much there is on which node, and --node-memory
    }
    // [end]
    EXPECT_TRUE(contains(why, "--node-memory"));
}

TEST(SharedExample, FromFiles) {
    auto& pool = plenum::api_test::pool();
    std::string const file = std::getenv("PLENUM_TEST_INPUTS");
    std::string const picture = std::getenv("PLENUM_TEST_PICTURE");
    // [example: share-file]
    auto const cube = pool.share_from_hdf5<float>(file, "cube");    // straight into node memory
    auto const matrix = plenum::load_hdf5<double>(file, "matrix");  // plenum/hdf5.hpp: into a vector
    auto const grey = plenum::load_image(picture);                  // plenum/image.hpp: PNG, JPEG, BMP
    auto const image = pool.share(grey.pixels, {grey.rows, grey.columns});
    // [end]
    EXPECT_EQ(cube.shape(), (plenum::Shape{2, 3, 4}));
    EXPECT_EQ(matrix.values.back(), 5.0);
    EXPECT_EQ(image.size(), grey.rows * grey.columns);
}

TEST(SharedExample, AWriteEndsTheTaskAndSaysWhy) {
    auto& pool = plenum::api_test::pool();
    // [example: share-write]
    auto const shared = pool.share(std::vector<int>(1000));
    auto const results =
        pool.map([a = shared.ref()](std::uint64_t i) { return const_cast<int&>(a[i]) = 1; },  // a mistake
                 plenum::indices(1), {.on_failure = plenum::OnFailure::collect});
    std::string const why = results.failures()[0].message;
    // [end]
    EXPECT_TRUE(contains(why, "shared array"));
}

// [example: worker-state]
struct Solver {
    std::vector<double> matrix;  // expensive to make
    std::uint64_t solved = 0;
    double solve(std::uint64_t i) { return ++solved, matrix.at(i % matrix.size()); }
};
// [end]

TEST(StateExample, AStateLivesInEachExecutor) {
    auto& pool = plenum::api_test::pool();
    // [example: worker-state]
    auto solver =
        pool.worker_state([] { return Solver{.matrix = std::vector<double>(1000, 0.5)}; },  // worker_init
                          [](Solver const& s) { return s.solved; });                        // worker_exit
    auto const solutions =
        pool.map(solver.with([](Solver& s, std::uint64_t i) { return s.solve(i); }), plenum::indices(5000));
    std::uint64_t solved = 0;
    for (auto const& exit : solver.finish())
        solved += exit.value.value_or(0);  // one for each executor that had a state
    // [end]
    EXPECT_EQ(solutions[4999], 0.5);
    EXPECT_EQ(solved, 5000u);
}

TEST(StateExample, OnceOnEachExecutor) {
    auto& pool = plenum::api_test::pool();
    // [example: on-each]
    auto const places = pool.on_each([](plenum::WorkerContext const& here) { return here; });
    for (auto const& place : places)
        std::printf("executor %d: rank %d on %s\n", place.executor, place.rank, place.host.c_str());
    // [end]
    for (std::uint64_t i = 0; i < places.size(); ++i) EXPECT_EQ(places[i].executor, static_cast<int>(i));
    EXPECT_GE(places.size(), static_cast<std::uint64_t>(pool.ranks()));
}

// [example: actor]
class PrefixCount {
public:
    void add(std::string const& word) {
        for (std::size_t n = 1; n <= word.size(); ++n) ++counts_[word.substr(0, n)];
    }
    std::map<std::string, int> const& counts() const { return counts_; }

private:
    std::map<std::string, int> counts_;
};
// [end]

TEST(ActorExample, KeepsItsState) {
    auto& pool = plenum::api_test::pool();
    // [example: actor]
    auto counter = pool.actor<PrefixCount>();
    counter.tell<&PrefixCount::add>("tree");                         // no answer
    counter.call<&PrefixCount::add>("trie").get();                   // a Future<void>
    auto const counts = counter.call<&PrefixCount::counts>().get();  // after all earlier calls
    // [end]
    EXPECT_EQ(counts.at("tr"), 2);
    EXPECT_EQ(counts.at("tri"), 1);
}

TEST(ActorExample, TasksTellActors) {
    auto& pool = plenum::api_test::pool();
    // [example: actor-tasks]
    std::vector<plenum::Actor<PrefixCount>> counters;
    for (int rank = 0; rank < pool.ranks(); ++rank)
        counters.push_back(pool.actor<PrefixCount>({.rank = rank}));
    std::vector<std::pair<std::string, plenum::ActorRef<PrefixCount>>> work;
    for (auto const* const word : {"sand", "salt", "sun", "sea"})
        work.emplace_back(word, counters[work.size() % counters.size()].ref());
    (void)pool.starmap(
        [](std::string const& word, plenum::ActorRef<PrefixCount> counter) {
            counter.tell<&PrefixCount::add>(word);
            return word.size();
        },
        work);
    std::map<std::string, int> merged;
    for (auto const& counter : counters)
        for (auto const& [prefix, count] : counter.call<&PrefixCount::counts>().get())
            merged[prefix] += count;
    // [end]
    EXPECT_EQ(merged.at("s"), 4);
    EXPECT_EQ(merged.at("sa"), 2);
}

// [example: actor-error]
struct Stack {
    std::vector<int> values;
    void push(int value) { values.push_back(value); }
    int top() const { return values.empty() ? throw std::out_of_range("empty stack") : values.back(); }
    template <class Archive>
    void serialize(Archive& archive) {
        archive(values);
    }
};
// [end]

TEST(ActorExample, AnExceptionFailsOneCall) {
    auto& pool = plenum::api_test::pool();
    // [example: actor-error]
    std::string what;
    auto stack = pool.actor<Stack>({.restart = 1});  // constructed again once if its process dies
    try {
        (void)stack.call<&Stack::top>().get();
    } catch (plenum::ActorError const& error) {
        what = error.data().message;
    }
    stack.tell<&Stack::push>(5);
    Stack const copy = stack.state().get();  // needs serialize()
    // [end]
    EXPECT_EQ(what, "empty stack");
    EXPECT_EQ(copy.values, std::vector{5});
}

/// A folder for one test.
class Folder {
public:
    Folder() : path_(testing::TempDir() + "plenum-guide-XXXXXX") {
        if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("cannot make " + path_);
    }
    Folder(Folder const&) = delete;
    Folder& operator=(Folder const&) = delete;
    ~Folder() { std::filesystem::remove_all(path_); }
    [[nodiscard]] std::string const& path() const { return path_; }

private:
    std::string path_;
};

TEST(CacheExample, ResultsAreKeptOnDisk) {
    auto& pool = plenum::api_test::pool();
    Folder const folder_of_test;
    auto const& folder = folder_of_test.path();
    // [example: cache]
    plenum::Memory const cache(folder);
    auto const simulate = cache.cached([](double x, int n) { return std::pow(x, n); }, "simulate", 1);
    double const first = simulate(2.0, 10);  // computed
    double const again = simulate(2.0, 10);  // read
    bool const known = simulate.check_call_in_cache(2.0, 11);
    // [end]
    EXPECT_EQ(first, 1024.0);
    EXPECT_EQ(again, 1024.0);
    EXPECT_FALSE(known);
    // [example: cache-map]
    std::vector<std::tuple<double, int>> const cases{{2.0, 10}, {2.0, 11}, {3.0, 2}};
    auto const values = pool.starmap(simulate, cases);  // tasks share the folder
    // [end]
    EXPECT_EQ(values[2], 9.0);
    EXPECT_TRUE(simulate.check_call_in_cache(3.0, 2));
    // [example: cache-size]
    cache.reduce_size({.bytes = 1'000'000'000, .age = std::chrono::hours(24 * 30)});  // or .items
    std::uint64_t const removed = cache.clear("simulate");                            // clear(): everything
    // [end]
    EXPECT_EQ(removed, 3u);
    EXPECT_FALSE(simulate.check_call_in_cache(3.0, 2));
}

}  // namespace
