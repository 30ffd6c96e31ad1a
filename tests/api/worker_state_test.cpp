// Worker state: made once in each executor, kept between tasks and maps, ended with a result.
#include <plenum/worker_state.hpp>

#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "api/worker_state_tools.hpp"

namespace plenum::api_test {
namespace {

TEST(WorkerState, IsMadeOncePerExecutorAndCountsItsTasks) {
    auto counter = pool().worker_state(make_counter, calls_of);
    constexpr std::uint64_t tasks = 5000;
    auto const results = pool().map(counter.with(count_call), indices(tasks));
    for (std::uint64_t i = 0; i < tasks; ++i) ASSERT_EQ(results[i], i * i);
    auto const counts = counter.finish();
    EXPECT_LE(counts.size(), executor_count());
    EXPECT_GE(counts.size(), 1u);
    EXPECT_EQ(sum_of(counts), tasks);
    std::set<int> executors;
    for (auto const& count : counts) {
        executors.insert(count.executor);
        EXPECT_GE(count.rank, 0);
        EXPECT_LT(count.rank, pool().ranks());
        EXPECT_FALSE(count.host.empty());
    }
    EXPECT_EQ(executors.size(), counts.size()) << "one state for each executor";
}

TEST(WorkerState, PersistsOverMapsWithEveryTechnique) {
    auto counter = pool().worker_state(make_counter, calls_of);
    std::uint64_t tasks = 0;
    for (auto const* const technique : {"auto", "static", "ss", "gss", "tss", "fac2", "awf"}) {
        auto const results = pool().map(counter.with(count_call), indices(700), {.schedule = technique});
        ASSERT_EQ(results.size(), 700u);
        tasks += 700;
    }
    auto const serials =
        pool().on_each(counter.with([](Counter& state, WorkerContext const&) { return state.serial; }));
    auto const again =
        pool().on_each(counter.with([](Counter& state, WorkerContext const&) { return state.serial; }));
    for (std::uint64_t i = 0; i < serials.size(); ++i) EXPECT_EQ(serials[i], again[i]) << "executor " << i;
    auto const counts = counter.finish();
    EXPECT_EQ(counts.size(), serials.size()) << "on_each has made it everywhere";
    EXPECT_EQ(sum_of(counts), tasks);
}

TEST(WorkerState, IsMadeAnewAfterFinish) {
    auto counter = pool().worker_state(make_counter, calls_of);
    EXPECT_TRUE(counter.finish().empty()) << "nobody has used it";
    for (int round = 0; round < 3; ++round) {
        (void)pool().map(counter.with(count_call), indices(100));
        EXPECT_EQ(sum_of(counter.finish()), 100u);
        EXPECT_TRUE(counter.finish().empty());
    }
}

struct Item {
    std::string name;
    int number = 0;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(name, number);
    }
};

TEST(WorkerState, ServesItemsTuplesAndInPlaceResults) {
    auto counter = pool().worker_state(make_counter, calls_of);
    std::vector<Item> items;
    std::vector<std::tuple<int, std::string>> pairs;
    for (int i = 0; i < 60; ++i) {
        items.push_back({"item " + std::to_string(i), i});
        pairs.emplace_back(i, std::string(static_cast<std::size_t>(i), 'p'));
    }
    auto const names = pool().map(counter.with([](Counter& state, Item const& item) {
        ++state.calls;
        return item.name + "!";
    }),
                                  items);
    auto const lengths =
        pool().map(counter.with([](Counter& state, std::tuple<int, std::string> const& pair) {
            ++state.calls;
            return std::get<0>(pair) + static_cast<int>(std::get<1>(pair).size());
        }),
                   pairs);
    auto const rows = pool().map(counter.with([](Counter& state, std::uint64_t i, std::span<double> out) {
        ++state.calls;
        for (std::size_t k = 0; k < out.size(); ++k) out[k] = static_cast<double>(i * 10 + k);
    }),
                                 indices(60), {.shape = {3}});
    for (std::uint64_t i = 0; i < 60; ++i) {
        ASSERT_EQ(names[i], items[i].name + "!");
        ASSERT_EQ(lengths[i], 2 * static_cast<int>(i));
        ASSERT_EQ(rows[i][2], static_cast<double>(i * 10 + 2));
    }
    EXPECT_EQ(sum_of(counter.finish()), 180u);
}

/// Can be neither copied nor moved, and is made by a worker_init that travels through serialize().
struct Dictionary {
    explicit Dictionary(std::vector<std::string> all) : words(std::move(all)) {}
    Dictionary(Dictionary const&) = delete;
    Dictionary& operator=(Dictionary const&) = delete;
    std::vector<std::string> words;
    std::uint64_t looked_up = 0;
};
struct MakeDictionary {
    std::vector<std::string> words;
    Dictionary operator()(WorkerContext const&) const { return Dictionary(words); }
    template <class Archive>
    void serialize(Archive& archive) {
        archive(words);
    }
};

TEST(WorkerState, TakesAnyTypeFromAnInitThatTravelsThroughSerialize) {
    auto dictionary = pool().worker_state(MakeDictionary{{"zero", "one", "two"}}, [](Dictionary& d) {
        return std::vector<std::uint64_t>{d.looked_up, 7};
    });
    int factor = 2;
    auto const words = pool().map(dictionary.with([factor](Dictionary& d, std::uint64_t i) {
        ++d.looked_up;
        return d.words[i % 3] + std::to_string(factor);
    }),
                                  indices(90));
    std::vector<std::string> const expected{"zero2", "one2", "two2"};
    for (std::uint64_t i = 0; i < 90; ++i) ASSERT_EQ(words[i], expected[i % 3]);
    std::uint64_t sum = 0;
    for (auto const& result : dictionary.finish()) {
        ASSERT_TRUE(result.value);
        EXPECT_EQ((*result.value)[1], 7u);
        sum += (*result.value)[0];
    }
    EXPECT_EQ(sum, 90u);
}

TEST(WorkerState, LargeInitTravelsWhole) {
    std::vector<std::string> words(20'000);
    for (std::size_t i = 0; i < words.size(); ++i) words[i] = std::string(100, 'w') + std::to_string(i);
    auto dictionary = pool().worker_state(MakeDictionary{words});
    auto const results = pool().map(
        dictionary.with([](Dictionary& d, std::uint64_t i) { return d.words[i]; }), indices(words.size()));
    for (std::uint64_t i = 0; i < words.size(); i += 97) ASSERT_EQ(results[i], words[i]);
}

TEST(WorkerState, TwoStatesAtOnceDoNotMeet) {
    auto first = pool().worker_state(make_counter, calls_of);
    auto second = pool().worker_state([] { return std::string("text"); },
                                      [](std::string const& s) { return s.size(); });
    for (int round = 0; round < 3; ++round) {
        (void)pool().map(first.with(count_call), indices(300));
        auto const texts = pool().map(
            second.with([](std::string& text, std::uint64_t) { return text += 'x'; }), indices(100));
        for (std::uint64_t i = 0; i < 100; ++i) ASSERT_TRUE(texts[i].starts_with("textx"));
    }
    auto const texts = second.finish();
    EXPECT_EQ(sum_of(texts), 300 + 4 * texts.size());
    EXPECT_EQ(sum_of(first.finish()), 900u);
}

TEST(WorkerState, WithoutAnExitHookFinishTellsWhereItWas) {
    auto state = pool().worker_state([](WorkerContext const& w) { return w.executor; });
    auto const where =
        pool().map(state.with([](int const& executor, std::uint64_t) { return executor; }), indices(500));
    std::set<int> const seen(where.span().begin(), where.span().end());
    auto const ends = state.finish();
    std::set<int> ended;
    for (auto const& end : ends) ended.insert(end.executor);
    EXPECT_EQ(ended, seen);
}

TEST(WorkerState, ExceptionInInitFailsTheTaskAndTheNextTriesAgain) {
    // Fails for the first task of each executor; which tasks those are depends on who runs what.
    auto state = pool().worker_state([](WorkerContext const&) {
        thread_local int tries = 0;
        if (++tries % 3 != 0) throw std::invalid_argument("no licence today");
        return 0;
    });
    auto const results = pool().map(state.with([](int& calls, std::uint64_t i) {
        ++calls;
        return i;
    }),
                                    indices(400), {.on_failure = OnFailure::collect});
    auto const executors = executor_count();
    EXPECT_GE(results.failures().size(), 2u);
    EXPECT_LE(results.failures().size(), 2 * executors);
    std::set<std::uint64_t> failed;
    for (auto const& failure : results.failures()) {
        EXPECT_EQ(failure.message, "worker_init failed: no licence today");
        EXPECT_EQ(failure.cause, FailureCause::exception);
        failed.insert(failure.task);
    }
    for (std::uint64_t i = 0; i < 400; ++i)
        if (!failed.contains(i)) {
            ASSERT_EQ(results[i], i);
        }
}

TEST(WorkerState, ExceptionsOfOtherKindsInInitAreNamedToo) {
    auto state = pool().worker_state([]() -> int { throw 7; });
    auto const results = pool().map(state.with([](int&, std::uint64_t i) { return i; }), indices(10),
                                    {.on_failure = OnFailure::collect});
    ASSERT_EQ(results.failures().size(), 10u);
    EXPECT_TRUE(
        contains(results.failures()[0].message, "worker_init failed: an exception that is not derived"));
    EXPECT_TRUE(state.finish().empty()) << "no executor has a state";
}

struct ThrowsWhenDestroyed {
    std::uint64_t calls = 0;
    ~ThrowsWhenDestroyed() noexcept(false) { throw std::runtime_error("will not go"); }
};

TEST(WorkerState, ExceptionInExitOrDestructorIsTheErrorOfThatExecutor) {
    auto bad_exit = pool().worker_state(make_counter, [](Counter& counter) -> int {
        throw std::runtime_error("after " + std::to_string(counter.calls > 0));
    });
    (void)pool().map(bad_exit.with(count_call), indices(200));
    auto const ends = bad_exit.finish();
    ASSERT_FALSE(ends.empty());
    for (auto const& end : ends) {
        EXPECT_EQ(end.error, "worker_exit failed: after 1");
        EXPECT_FALSE(end.value);
    }
    EXPECT_TRUE(bad_exit.finish().empty());

    auto bad_end = pool().worker_state([] { return ThrowsWhenDestroyed{}; },
                                       [](ThrowsWhenDestroyed& state) { return state.calls; });
    (void)pool().map(bad_end.with([](ThrowsWhenDestroyed& state, std::uint64_t) { return ++state.calls; }),
                     indices(200));
    std::uint64_t sum = 0;
    for (auto const& end : bad_end.finish()) {
        EXPECT_EQ(end.error, "the destructor of the worker state failed: will not go");
        ASSERT_TRUE(end.value) << "worker_exit had its say before";
        sum += *end.value;
    }
    EXPECT_EQ(sum, 200u);
}

/// Counts those that are alive in its process.
struct Tracked {
    Tracked() { ++alive; }
    Tracked(Tracked const&) = delete;
    Tracked& operator=(Tracked const&) = delete;
    ~Tracked() { --alive; }
    static inline std::atomic<int> alive{0};
};

TEST(WorkerState, ItsDestructionOnRankZeroEndsTheStates) {
    auto const alive = [] {
        int sum = 0;
        for (auto const count : pool().on_each([](WorkerContext const&) { return Tracked::alive.load(); }))
            sum += count;
        return sum;
    };
    {
        auto state = pool().worker_state([] { return Tracked(); });
        (void)pool().on_each(state.with([](Tracked&, WorkerContext const&) { return 0; }));
        EXPECT_GT(alive(), 0);
        auto const moved = std::move(state);
        EXPECT_GT(alive(), 0);
    }
    EXPECT_EQ(alive(), 0);
}

TEST(WorkerState, AnyTaskExceptionLeavesTheStateAsItIs) {
    auto counter = pool().worker_state(make_counter, calls_of);
    auto const results = pool().map(counter.with([](Counter& state, std::uint64_t i) {
        ++state.calls;
        if (i % 10 == 3) throw std::runtime_error("third");
        return i;
    }),
                                    indices(500), {.on_failure = OnFailure::collect});
    EXPECT_EQ(results.failures().size(), 50u);
    EXPECT_EQ(sum_of(counter.finish()), 500u);
}

}  // namespace
}  // namespace plenum::api_test
