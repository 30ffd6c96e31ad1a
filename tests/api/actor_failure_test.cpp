// Actors that fail: exceptions, crashes of their host, restarts, ends of handles.
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "api/pool_test.hpp"

namespace plenum::api_test {
namespace {

struct Fragile {
    explicit Fragile(int start) : value(start) {
        if (start < 0) throw std::invalid_argument("negative start");
        if (start == 666) std::abort();
    }
    int value;
    int add(int n) {
        if (n == 0) throw std::runtime_error("nothing to add");
        if (n == 1000) throw 17;
        return value += n;
    }
    void die(int signal) { ::raise(signal); }
    void leave(int code) { std::exit(code); }
    void write_into(SharedRef<int> array) { const_cast<int&>(array[3]) = 1; }
    void nap(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }
    int process() const { return ::getpid(); }
    void nap_after(std::string const& sign) {
        std::ofstream{sign};
        nap(1'000'000'000);
    }
};

int last_rank() {
    return pool().ranks() - 1;
}

TEST(ActorFailure, ExceptionFailsThatCallOnly) {
    auto actor = pool().actor<Fragile>(ActorOptions{.rank = last_rank()}, 10);
    auto good = actor.call<&Fragile::add>(1);
    auto bad = actor.call<&Fragile::add>(0);
    auto odd = actor.call<&Fragile::add>(1000);
    auto later = actor.call<&Fragile::add>(2);
    EXPECT_EQ(good.get(), 11);
    try {
        (void)bad.get();
        ADD_FAILURE() << "nothing was thrown";
    } catch (ActorError const& error) {
        EXPECT_EQ(error.data().actor, actor.id());
        EXPECT_EQ(error.data().rank, last_rank());
        EXPECT_FALSE(error.data().host.empty());
        EXPECT_EQ(error.data().cause, FailureCause::exception);
        EXPECT_EQ(error.data().message, "nothing to add");
        EXPECT_TRUE(contains(error.data().type, "Fragile"));
        EXPECT_TRUE(contains(error.what(), "actor " + std::to_string(actor.id())));
        EXPECT_TRUE(contains(error.what(), "rank " + std::to_string(last_rank())));
    }
    EXPECT_TRUE(
        contains(message_of<ActorError>([&] { (void)odd.get(); }), "not derived from std::exception"));
    EXPECT_EQ(later.get(), 13);
}

TEST(ActorFailure, ExceptionReachesTheTaskThatWaits) {
    auto actor = pool().actor<Fragile>(0);
    auto const results =
        pool().map([actor = actor.ref()](
                       std::uint64_t i) { return actor.call<&Fragile::add>(i % 5 == 0 ? 0 : 1).get(); },
                   indices(20), {.on_failure = OnFailure::collect});
    ASSERT_EQ(results.failures().size(), 4u);
    EXPECT_TRUE(contains(results.failures()[0].message, "nothing to add"));
    EXPECT_TRUE(contains(results.failures()[0].message, "actor " + std::to_string(actor.id())));
    EXPECT_EQ(actor.call<&Fragile::add>(1).get(), 17);
}

TEST(ActorFailure, OfTheConstructorIsReportedOnEveryCall) {
    auto actor = pool().actor<Fragile>(-1);
    for (int i = 0; i < 2; ++i)
        EXPECT_TRUE(contains(message_of<ActorError>([&] { (void)actor.call<&Fragile::add>(1).get(); }),
                             "constructor failed: negative start"));
    EXPECT_TRUE(contains(message_of<ActorError>([&] { actor.wait_until_ready(); }), "negative start"));
    auto good = pool().actor<Fragile>(1);
    EXPECT_NO_THROW(good.wait_until_ready());
}

TEST(ActorFailure, CallsAfterTheEndOfTheHandleFail) {
    ActorRef<Fragile> reference;
    EXPECT_TRUE(
        contains(message_of<UsageError>([&] { reference.tell<&Fragile::add>(1); }), "names no actor"));
    {
        auto actor = pool().actor<Fragile>(1);
        reference = actor.ref();
        EXPECT_EQ(reference.call<&Fragile::add>(1).get(), 2);
    }
    EXPECT_TRUE(contains(message_of<ActorError>([&] { (void)reference.call<&Fragile::add>(1).get(); }),
                         "handle has been destroyed"));
    EXPECT_NO_THROW(reference.tell<&Fragile::add>(1));
}

/// Tells another actor when it ends.
struct Mortal {
    struct Witness {
        std::vector<int> seen;
        void note(int whose) { seen.push_back(whose); }
        std::vector<int> const& all() const { return seen; }
    };
    int name = 0;
    ActorRef<Witness> witness;
    bool throws = false;
    bool armed = true;
    Mortal(int n, ActorRef<Witness> w, bool t) : name(n), witness(w), throws(t) {}
    Mortal(Mortal&& other) = delete;
    ~Mortal() noexcept(false) {
        witness.tell<&Witness::note>(name);
        if (throws) throw std::runtime_error("thrown by a destructor");
    }
    void work(int n) { witness.tell<&Witness::note>(n); }
};

TEST(ActorFailure, DestructorsRunAfterTheCallsAndHarmNobody) {
    for (int rank : {0, last_rank()}) {
        auto witness = pool().actor<Mortal::Witness>(ActorOptions{.rank = rank});
        auto other = pool().actor<Fragile>(ActorOptions{.rank = rank}, 5);
        {
            auto first = pool().actor<Mortal>(ActorOptions{.rank = rank}, 1, witness.ref(), true);
            auto second = pool().actor<Mortal>(ActorOptions{.rank = rank}, 2, witness.ref(), false);
            for (int i = 10; i < 15; ++i) first.tell<&Mortal::work>(i);
        }
        std::vector<int> seen;
        while (seen.size() < 7) seen = witness.call<&Mortal::Witness::all>().get();
        EXPECT_EQ(seen, (std::vector<int>{10, 11, 12, 13, 14, 2, 1})) << "handles end in reverse order";
        EXPECT_EQ(other.call<&Fragile::add>(1).get(), 6);
    }
}

TEST(ActorFailure, DeathOfTheHostFailsWhatWaitsAndSaysWhy) {
    if (!tasks_are_isolated()) GTEST_SKIP() << "the actors are in this process";
    auto culprit = pool().actor<Fragile>(ActorOptions{.rank = last_rank()}, 1);
    auto bystander = pool().actor<Fragile>(ActorOptions{.rank = last_rank()}, 2);
    auto before = bystander.call<&Fragile::add>(1);
    auto fatal = culprit.call<&Fragile::die>(SIGSEGV);
    std::vector<Future<int>> waiting;
    for (int i = 0; i < 100; ++i) {
        waiting.push_back(culprit.call<&Fragile::add>(1));
        waiting.push_back(bystander.call<&Fragile::add>(1));
    }
    EXPECT_EQ(before.get(), 3);
    try {
        fatal.get();
        ADD_FAILURE() << "nothing was thrown";
    } catch (ActorError const& error) {
        EXPECT_EQ(error.data().cause, FailureCause::crash);
        EXPECT_EQ(error.data().actor, culprit.id());
        EXPECT_TRUE(contains(error.what(), "signal 11"));
        EXPECT_TRUE(contains(error.what(), "Fragile"));
    }
    for (std::size_t i = 0; i < waiting.size(); ++i)
        EXPECT_TRUE(contains(message_of<ActorError>([&] { (void)waiting[i].get(); }), "signal 11"));
    // Never restarted: later calls fail at once, and say what happened.
    EXPECT_TRUE(
        contains(message_of<ActorError>([&] { (void)culprit.call<&Fragile::add>(1).get(); }), "signal 11"));
    EXPECT_TRUE(contains(message_of<ActorError>([&] { (void)bystander.call<&Fragile::add>(1).get(); }),
                         "actor " + std::to_string(culprit.id())));
    // The rank can have new ones.
    auto fresh = pool().actor<Fragile>(ActorOptions{.rank = last_rank()}, 7);
    EXPECT_EQ(fresh.call<&Fragile::add>(1).get(), 8);
}

TEST(ActorFailure, EveryKindOfDeathIsNamed) {
    if (!tasks_are_isolated()) GTEST_SKIP() << "the actors are in this process";
    auto const array = pool().share(std::vector<int>(1000, 4));
    auto const message_after = [](auto&& call) {
        auto actor = pool().actor<Fragile>(ActorOptions{.rank = last_rank()}, 1);
        return message_of<ActorError>([&] { call(actor).get(); });
    };
    EXPECT_TRUE(
        contains(message_after([](auto& a) { return a.template call<&Fragile::leave>(3); }), "exit(3)"));
    EXPECT_TRUE(
        contains(message_after([](auto& a) { return a.template call<&Fragile::leave>(0); }), "exit(0)"));
    EXPECT_TRUE(
        contains(message_after([](auto& a) { return a.template call<&Fragile::die>(SIGKILL); }), "signal 9"));
    EXPECT_TRUE(
        contains(message_after([](auto& a) { return a.template call<&Fragile::die>(SIGABRT); }), "signal 6"));
    EXPECT_TRUE(
        contains(message_after([&](auto& a) { return a.template call<&Fragile::write_into>(array.ref()); }),
                 "shared array"));
    EXPECT_EQ(array.span()[3], 4);
}

TEST(ActorFailure, KilledFromOutsideWhileACallRuns) {
    if (!tasks_are_isolated() || pool().nodes() > 1) GTEST_SKIP() << "the host is not in reach";
    auto actor = pool().actor<Fragile>(ActorOptions{.rank = last_rank(), .restart = 1}, 1);
    auto const process = actor.call<&Fragile::process>().get();
    auto const sign = testing::TempDir() + "plenum_actor_naps_" + std::to_string(::getpid());
    auto nap = actor.call<&Fragile::nap_after>(sign);
    auto next = actor.call<&Fragile::add>(1);
    while (!std::filesystem::exists(sign)) ::usleep(1000);
    std::filesystem::remove(sign);
    ::kill(process, SIGKILL);
    EXPECT_TRUE(contains(message_of<ActorError>([&] { nap.get(); }), "signal 9"));
    EXPECT_TRUE(contains(message_of<ActorError>([&] { (void)next.get(); }), "signal 9"));
    EXPECT_NE(actor.call<&Fragile::process>().get(), process);
}

TEST(ActorFailure, RestartsConstructAgainAndThenNoMore) {
    if (!tasks_are_isolated()) GTEST_SKIP() << "the actors are in this process";
    auto twice = pool().actor<Fragile>(ActorOptions{.rank = last_rank(), .restart = 2}, 50);
    auto thrice = pool().actor<Fragile>(ActorOptions{.rank = last_rank(), .restart = 3}, 70);
    for (int round = 0; round < 3; ++round) {
        EXPECT_EQ(twice.call<&Fragile::add>(1).get(), 51) << "the state is that of the constructor";
        EXPECT_EQ(thrice.call<&Fragile::add>(1).get(), 71);
        EXPECT_THROW(thrice.call<&Fragile::die>(SIGKILL).get(), ActorError);
    }
    EXPECT_TRUE(
        contains(message_of<ActorError>([&] { (void)twice.call<&Fragile::add>(1).get(); }), "signal 9"));
    EXPECT_EQ(thrice.call<&Fragile::add>(1).get(), 71);
}

TEST(ActorFailure, ConstructorThatCrashesIsTriedAsOftenAsAllowed) {
    if (!tasks_are_isolated()) GTEST_SKIP() << "the actors are in this process";
    auto actor = pool().actor<Fragile>(ActorOptions{.rank = 0, .restart = 4}, 666);
    EXPECT_TRUE(contains(message_of<ActorError>([&] { actor.wait_until_ready(); }), "signal 6"));
    for (;;) {
        auto const message = message_of<ActorError>([&] { (void)actor.call<&Fragile::add>(1).get(); });
        if (!contains(message, "signal 6")) FAIL() << message;
        if (contains(message, "no restart is left")) break;
    }
}

TEST(ActorFailure, CrashOfATaskLeavesTheActorAlone) {
    if (!tasks_are_isolated()) GTEST_SKIP() << "the tasks are in this process";
    auto actor = pool().actor<Fragile>(0);
    auto const results = pool().map(
        [actor = actor.ref()](std::uint64_t i) {
            auto reply = actor.call<&Fragile::add>(1);
            if (i % 10 == 3) std::abort();
            return reply.get();
        },
        indices(40), {.on_failure = OnFailure::collect});
    EXPECT_EQ(results.failures().size(), 4u);
    EXPECT_EQ(actor.call<&Fragile::add>(1).get(), 41);
}

/// Has to be the last test: the program ends while these calls wait.
TEST(ActorFailureAtTheEnd, CallsThatWaitDoNotKeepTheProgram) {
    if (!tasks_are_isolated()) GTEST_SKIP() << "a thread cannot be stopped";
    for (int rank : {0, last_rank()}) {
        static std::vector<Actor<Fragile>> left_over;
        left_over.push_back(pool().actor<Fragile>(ActorOptions{.rank = rank}, 1));
        left_over.back().tell<&Fragile::nap>(100'000'000);
        left_over.back().tell<&Fragile::add>(1);
        (void)left_over.back().call<&Fragile::add>(1);
    }
    SUCCEED();
}

}  // namespace
}  // namespace plenum::api_test
