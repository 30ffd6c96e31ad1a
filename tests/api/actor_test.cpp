// Actors: state, order, where they live, references in tasks, arguments of every kind, waiting, many of them.
#include <unistd.h>

#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "api/pool_test.hpp"

namespace plenum::api_test {
namespace {

class Log {
public:
    Log() = default;
    explicit Log(std::vector<std::uint64_t> start) : values_(std::move(start)) {}
    void add(std::uint64_t value) { values_.push_back(value); }
    std::uint64_t count() const { return values_.size(); }
    std::vector<std::uint64_t> const& values() const { return values_; }
    std::uint64_t last() const noexcept { return values_.at(values_.size() - 1); }
    template <class Archive>
    void serialize(Archive& archive) {
        archive(values_);
    }

private:
    std::vector<std::uint64_t> values_;
};

class Counter {
public:
    Counter(int start, std::string name) : name_(std::move(name)), value_(start) {}
    int add(int n) { return value_ += n; }
    int value() const { return value_; }
    std::string const& name() const { return name_; }
    void fail(std::string what) { throw std::runtime_error("failed on purpose: " + what); }
    int throw_number() { throw 17; }

private:
    std::string name_;
    int value_;
};

TEST(Actor, KeepsItsStateBetweenCalls) {
    auto counter = pool().actor<Counter>(5, "first");
    EXPECT_EQ(counter.call<&Counter::add>(3).get(), 8);
    EXPECT_EQ(counter.call<&Counter::add>(4).get(), 12);
    EXPECT_EQ(counter.call<&Counter::value>().get(), 12);
    EXPECT_EQ(counter.call<&Counter::name>().get(), "first");
}

TEST(Actor, RunsCallsInTheOrderOfTheirCaller) {
    auto log = pool().actor<Log>();
    constexpr std::uint64_t calls = 20'000;
    std::vector<Future<std::uint64_t>> counts;
    for (std::uint64_t i = 0; i < calls; ++i) {
        log.tell<&Log::add>(i);
        if (i % 1000 == 0) counts.push_back(log.call<&Log::count>());
    }
    for (std::size_t k = 0; k < counts.size(); ++k) EXPECT_EQ(counts[k].get(), k * 1000 + 1);
    auto const values = log.call<&Log::values>().get();
    ASSERT_EQ(values.size(), calls);
    for (std::uint64_t i = 0; i < calls; ++i) ASSERT_EQ(values[i], i);
}

TEST(Actor, RepliesCanBeTakenInAnyOrder) {
    auto a = pool().actor<Counter>(0, "a");
    auto b = pool().actor<Counter>(100, "b");
    std::vector<Future<int>> replies;
    for (int i = 0; i < 50; ++i) {
        replies.push_back(a.call<&Counter::add>(1));
        replies.push_back(b.call<&Counter::add>(1));
    }
    for (int i = 49; i >= 0; --i) {
        EXPECT_EQ(replies[static_cast<std::size_t>(2 * i + 1)].get(), 101 + i);
        EXPECT_EQ(replies[static_cast<std::size_t>(2 * i)].get(), 1 + i);
    }
}

class Whereabouts {
public:
    std::pair<int, int> process() const { return {::getpid(), ::getppid()}; }
};

TEST(Actor, LivesOnTheRankThatWasAskedFor) {
    std::map<int, int> process_of_rank;
    for (int round = 0; round < 2; ++round)
        for (int rank = 0; rank < pool().ranks(); ++rank) {
            auto actor = pool().actor<Whereabouts>(ActorOptions{.rank = rank});
            EXPECT_EQ(actor.rank(), rank);
            auto const [pid, parent] = actor.call<&Whereabouts::process>().get();
            if (round == 0)
                EXPECT_TRUE(process_of_rank.emplace(rank, pid).second);
            else
                EXPECT_EQ(process_of_rank.at(rank), pid) << "one host for all actors of a rank";
        }
    if (tasks_are_isolated()) {
        EXPECT_FALSE(process_of_rank.at(0) == ::getpid());
    }
}

TEST(Actor, IsPlacedWhereTheFewestAre) {
    std::vector<int> actors_of(static_cast<std::size_t>(pool().ranks()));
    std::vector<Actor<Log>> logs;
    for (int i = 0; i < 3 * pool().ranks(); ++i) {
        logs.push_back(pool().actor<Log>());
        ++actors_of[static_cast<std::size_t>(logs.back().rank())];
    }
    for (int const count : actors_of) EXPECT_EQ(count, 3);
    auto const freed = logs[1].rank();
    logs.erase(logs.begin() + 1);
    EXPECT_EQ(pool().actor<Log>().rank(), freed);
}

TEST(Actor, OnARankThatIsNotThereIsRefused) {
    for (int const rank : {-1, pool().ranks()})
        EXPECT_TRUE(
            contains(message_of<UsageError>([&] { (void)pool().actor<Log>(ActorOptions{.rank = rank}); }),
                     "the ranks are 0 to " + std::to_string(pool().ranks() - 1)));
}

TEST(Actor, TakesAndGivesValuesOfEveryKind) {
    struct Plain {
        int a;
        double b;
    };
    struct Everything {
        std::map<std::string, std::vector<int>> twice(std::map<std::string, std::vector<int>> map,
                                                      std::string const& key) {
            map[key].insert(map[key].end(), {1, 2});
            return map;
        }
        std::array<Plain, 2> plain(Plain const& p, std::uint8_t n, std::array<Plain, 3> more) const {
            return {Plain{p.a + n, p.b}, more.back()};
        }
        std::unique_ptr<int> owned(std::unique_ptr<int> value) {
            ++*value;
            return value;
        }
        void nothing() {}
        std::string text(std::string const& a, std::string&& b) const { return a + b; }
    };
    auto actor = pool().actor<Everything>();
    using Map = std::map<std::string, std::vector<int>>;
    EXPECT_EQ(actor.call<&Everything::twice>(Map{{"x", {5}}, {"y", {}}}, "x").get(),
              (Map{{"x", {5, 1, 2}}, {"y", {}}}));
    auto const plain =
        actor.call<&Everything::plain>(Plain{1, 2.5}, std::uint8_t{4}, std::array<Plain, 3>{{{}, {}, {7, 8}}})
            .get();
    EXPECT_EQ(plain[0].a, 5);
    EXPECT_EQ(plain[0].b, 2.5);
    EXPECT_EQ(plain[1].a, 7);
    EXPECT_EQ(*actor.call<&Everything::owned>(std::make_unique<int>(41)).get(), 42);
    EXPECT_NO_THROW(actor.call<&Everything::nothing>().get());
    EXPECT_EQ(actor.call<&Everything::text>("left ", std::string("right")).get(), "left right");
}

TEST(Actor, TakesAndGivesHundredMegabytes) {
    struct Store {
        std::vector<double> content;
        double keep(std::vector<double> data) {
            content = std::move(data);
            return content.back();
        }
        std::vector<double> const& give() const { return content; }
    };
    auto store = pool().actor<Store>(ActorOptions{.rank = pool().ranks() - 1});
    std::vector<double> data(13'107'200);
    std::iota(data.begin(), data.end(), 0.5);
    EXPECT_EQ(store.call<&Store::keep>(data).get(), data.back());
    EXPECT_EQ(store.call<&Store::give>().get(), data);
}

TEST(Actor, StateIsACopyOfTheObject) {
    std::vector<Actor<Log>> logs;
    for (std::uint64_t i = 0; i < 4; ++i) logs.push_back(pool().actor<Log>(std::vector{i}));
    for (std::uint64_t i = 0; i < 40; ++i) logs[i % 4].tell<&Log::add>(i);
    std::uint64_t values = 0;
    for (auto& log : logs) values += log.state().get().count();
    EXPECT_EQ(values, 44u);
}

TEST(Actor, ReferencesWorkInTasks) {
    auto log = pool().actor<Log>();
    auto counter = pool().actor<Counter>(0, "shared");
    constexpr std::uint64_t tasks = 500;
    auto const seen = pool().map(
        [log = log.ref(), counter = counter.ref()](std::uint64_t i) {
            log.tell<&Log::add>(i);
            log.tell<&Log::add>(i + tasks);
            return counter.call<&Counter::add>(1).get();
        },
        indices(tasks));
    std::vector<int> sorted(seen.span().begin(), seen.span().end());
    std::sort(sorted.begin(), sorted.end());
    for (std::uint64_t i = 0; i < tasks; ++i) ASSERT_EQ(sorted[i], static_cast<int>(i) + 1);
    // What tasks told has arrived when the map has ended, and in the order of each task.
    auto const values = log.call<&Log::values>().get();
    ASSERT_EQ(values.size(), 2 * tasks);
    std::vector<std::size_t> place(2 * tasks);
    for (std::size_t k = 0; k < values.size(); ++k) place[values[k]] = k;
    for (std::uint64_t i = 0; i < tasks; ++i) ASSERT_LT(place[i], place[i + tasks]);
}

TEST(Actor, OfTasksThatFollowShortlyHasHeardAllOfThem) {
    auto log = pool().actor<Log>(ActorOptions{.rank = pool().ranks() - 1});
    for (std::uint64_t round = 1; round <= 30; ++round) {
        (void)pool().map(
            [log = log.ref()](std::uint64_t i) {
                log.tell<&Log::add>(i);
                return 0;
            },
            indices(16));
        ASSERT_EQ(log.call<&Log::count>().get(), 16 * round);
    }
}

/// Asks all actors it has been told of.
struct Asker {
    std::vector<ActorRef<Counter>> counters;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(counters);
    }
    int operator()(std::uint64_t) const {
        int sum = 0;
        for (auto const& counter : counters) sum += counter.call<&Counter::value>().get();
        return sum;
    }
};

TEST(Actor, IsNotDelayedByTasks) {
    // Tasks keep every executor busy until the actors of all ranks have answered: if those needed an
    // executor, this would not end.
    std::vector<Actor<Counter>> counters;
    Asker asker;
    for (int rank = 0; rank < pool().ranks(); ++rank) {
        counters.push_back(pool().actor<Counter>(ActorOptions{.rank = rank}, 10 + rank, "asked"));
        asker.counters.push_back(counters.back().ref());
    }
    auto const ranks = pool().ranks();
    for (auto const sum : pool().map(asker, indices(100)).span())
        ASSERT_EQ(sum, 10 * ranks + ranks * (ranks - 1) / 2);
}

TEST(Actor, LargeArgumentsAndResultsWorkInTasks) {
    struct Echo {
        std::vector<std::uint64_t> back(std::vector<std::uint64_t> values) const { return values; }
    };
    auto echo = pool().actor<Echo>();
    auto const equal = pool().map(
        [echo = echo.ref()](std::uint64_t i) {
            std::vector<std::uint64_t> values(300'000 + i * 400'000);
            std::iota(values.begin(), values.end(), i);
            auto first = echo.call<&Echo::back>(values);
            auto second = echo.call<&Echo::back>(values);
            return second.get() == values && first.get() == values ? 1 : 0;
        },
        indices(6));
    for (std::uint64_t i = 0; i < 6; ++i) EXPECT_EQ(equal[i], 1) << i;
}

TEST(Actor, SeesSharedArraysMadeAfterIt) {
    struct Summer {
        double total = 0;
        double add(SharedRef<double> array) {
            return total += std::accumulate(array.begin(), array.end(), 0.0);
        }
    };
    std::vector<Actor<Summer>> summers;
    for (int rank = 0; rank < pool().ranks(); ++rank)
        summers.push_back(pool().actor<Summer>(ActorOptions{.rank = rank}));
    double expected = 0;
    for (int round = 1; round <= 5; ++round) {
        auto const size = static_cast<std::size_t>(20'000 * round);
        auto const array = pool().share(std::vector<double>(size, round));
        expected += static_cast<double>(size) * round;
        for (auto& summer : summers) EXPECT_EQ(summer.call<&Summer::add>(array.ref()).get(), expected);
    }
}

struct Relay {
    ActorRef<Log> log;
    void pass(std::uint64_t value) {
        for (std::uint64_t i = 0; i < 3; ++i) log.tell<&Log::add>(value * 10 + i);
    }
    std::string ask() {
        try {
            return std::to_string(log.call<&Log::count>().get());
        } catch (UsageError const& error) {
            return error.what();
        }
    }
};

TEST(Actor, CanTellAnotherButNotWaitForIt) {
    auto const last = pool().ranks() - 1;
    auto log = pool().actor<Log>(ActorOptions{.rank = last});
    for (int rank : {0, last}) {
        auto relay = pool().actor<Relay>(ActorOptions{.rank = rank}, Relay{log.ref()});
        EXPECT_TRUE(contains(relay.call<&Relay::ask>().get(), "cannot wait"));
        auto const before = log.call<&Log::count>().get();
        for (std::uint64_t i = 0; i < 100; ++i) relay.tell<&Relay::pass>(i);
        (void)relay.call<&Relay::ask>().get();
        // Told by another caller: they arrive, but nothing says when.
        while (log.call<&Log::count>().get() < before + 300) {
        }
        auto const values = log.call<&Log::values>().get();
        for (std::uint64_t i = 0; i < 300; ++i) ASSERT_EQ(values[before + i], i / 3 * 10 + i % 3);
    }
}

TEST(Actor, WaitsAreGivenUpInTime) {
    struct Sleeper {
        int sleep(int ms) {
            std::this_thread::sleep_for(std::chrono::milliseconds(ms));
            return ms;
        }
    };
    auto sleeper = pool().actor<Sleeper>();
    auto reply = sleeper.call<&Sleeper::sleep>(300);
    EXPECT_FALSE(reply.wait(std::chrono::milliseconds(20)));
    EXPECT_FALSE(reply.ready());
    EXPECT_TRUE(reply.wait(std::chrono::hours(1)));
    EXPECT_TRUE(reply.ready());
    EXPECT_EQ(reply.get(), 300);
}

TEST(Actor, CallsAreFuturesLikeOthers) {
    auto counter = pool().actor<Counter>(5, "future");
    std::vector<Future<int>> futures;
    for (int i = 0; i < 10; ++i) futures.push_back(counter.call<&Counter::add>(1));
    EXPECT_EQ(wait(futures).done.size(), 10u);
    EXPECT_EQ(futures[9].get(), 15);
    EXPECT_EQ(futures[9].get(), 15) << "a result can be taken again";
    auto const text = counter.call<&Counter::add>(2).then([](int n) { return std::to_string(n); });
    EXPECT_EQ(text.get(), "17");
    auto const failed = counter.call<&Counter::fail>("as asked");
    EXPECT_NE(failed.exception(), nullptr);
    EXPECT_FALSE(failed.successful());
    EXPECT_THROW(failed.get(), ActorError);
    // A callback may call actors.
    auto const doubled = counter.call<&Counter::value>().then(
        [reference = counter.ref()](int n) { return reference.call<&Counter::add>(n).get(); });
    EXPECT_EQ(doubled.get(), 34);
    auto const refused = pool().map(
        [reference = counter.ref()](std::uint64_t) {
            auto const later = reference.call<&Counter::value>().then([](int n) { return n; });
            return later.get();
        },
        indices(1), {.on_failure = OnFailure::collect});
    ASSERT_EQ(refused.failures().size(), 1u);
    EXPECT_TRUE(contains(refused.failures()[0].message, "cannot have callbacks"));
}

TEST(Actor, AThousandLiveTogether) {
    std::vector<Actor<Counter>> actors;
    std::vector<Future<int>> replies;
    for (int i = 0; i < 1000; ++i) actors.push_back(pool().actor<Counter>(i, std::to_string(i)));
    for (auto& actor : actors) replies.push_back(actor.call<&Counter::add>(7));
    for (int i = 0; i < 1000; ++i) ASSERT_EQ(replies[static_cast<std::size_t>(i)].get(), i + 7);
}

TEST(Actor, MovesItsHandle) {
    static_assert(!std::is_copy_constructible_v<Actor<Log>>);
    static_assert(std::is_nothrow_move_constructible_v<Actor<Log>>);
    static_assert(std::is_trivially_copyable_v<ActorRef<Log>>);
    auto first = pool().actor<Log>();
    first.tell<&Log::add>(1u);
    auto const reference = first.ref();
    auto second = std::move(first);
    second.tell<&Log::add>(2u);
    EXPECT_EQ(second.call<&Log::count>().get(), 2u);
    second = pool().actor<Log>();
    EXPECT_EQ(second.call<&Log::count>().get(), 0u);
    EXPECT_EQ(reference.id() + 1, second.id());
}

TEST(Actor, TellsOfMoreThanMemoryCouldHoldWaitForTheActor) {
    struct Slow {
        std::uint64_t bytes = 0;
        void take(std::vector<char> const& data) { bytes += data.size(); }
        std::uint64_t total() const { return bytes; }
    };
    auto slow = pool().actor<Slow>(ActorOptions{.rank = pool().ranks() - 1});
    std::vector<char> const data(1 << 20);
    for (int i = 0; i < 300; ++i) slow.tell<&Slow::take>(data);
    EXPECT_EQ(slow.call<&Slow::total>().get(), 300u << 20);
}

}  // namespace
}  // namespace plenum::api_test
