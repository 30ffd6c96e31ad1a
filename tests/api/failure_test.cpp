// Tasks that throw: what the caller learns, and that everything else goes on.
#include <cstdint>
#include <stdexcept>

#include "api/pool_test.hpp"

namespace plenum::api_test {
namespace {

struct NotAnException {};

struct Undecodable {
    std::string text = "text";
    int operator()(std::uint64_t) const { return 1; }
    void save(cereal::BinaryOutputArchive& archive) const { archive(text); }
    void load(cereal::BinaryInputArchive&) { throw std::runtime_error("this state cannot be read"); }
};

/// Fails for indices that end in 7.
struct Doubled {
    double operator()(std::uint64_t i) const {
        if (i % 10 == 7) throw std::domain_error("no root of " + std::to_string(i));
        return static_cast<double>(i) * 2;
    }
};

TEST(Exceptions, BecomeTheTaskErrorOfTheFailedTaskOfLeastIndex) {
    try {
        (void)pool().map(Doubled{}, indices(50));
        FAIL() << "nothing was thrown";
    } catch (TaskError const& error) {
        EXPECT_EQ(error.data().task, 7u);
        EXPECT_GE(error.data().rank, 0);
        EXPECT_LT(error.data().rank, pool().ranks());
        EXPECT_FALSE(error.data().host.empty());
        EXPECT_EQ(error.data().attempt, 1);
        EXPECT_EQ(error.data().cause, FailureCause::exception);
        EXPECT_EQ(error.data().message, "no root of 7");
        EXPECT_EQ(error.exit_code(), ExitCode::tasks_failed);
        EXPECT_TRUE(contains(error.what(), "task 7"));
        EXPECT_TRUE(contains(error.what(), "rank " + std::to_string(error.data().rank)));
        EXPECT_TRUE(contains(error.what(), error.data().host));
        EXPECT_TRUE(contains(error.what(), "no root of 7"));
    }
}

TEST(Exceptions, AreCollectedAndTheOtherResultsAreThere) {
    for (auto const* const technique : {"auto", "static", "ss", "gss", "tss", "fac2", "awf"}) {
        auto const results =
            pool().map(Doubled{}, indices(1000), {.schedule = technique, .on_failure = OnFailure::collect});
        ASSERT_EQ(results.size(), 1000u);
        ASSERT_EQ(results.failures().size(), 100u);
        std::uint64_t expected = 7;
        for (auto const& failure : results.failures()) {
            EXPECT_EQ(failure.task, expected);
            EXPECT_EQ(failure.message, "no root of " + std::to_string(expected));
            expected += 10;
        }
        for (std::uint64_t i = 0; i < 1000; ++i) {
            if (i % 10 == 7) {
                EXPECT_THROW((void)results[i], TaskError);
            } else {
                ASSERT_EQ(results[i], static_cast<double>(i) * 2);
            }
        }
    }
}

TEST(Exceptions, OfResultsOfVaryingLengthAreCollected) {
    auto const results = pool().map(
        [](std::uint64_t i) {
            if (i % 3 == 0) throw std::runtime_error(std::string(i, '!'));
            return std::string(i, 'r');
        },
        indices(300), {.on_failure = OnFailure::collect});
    ASSERT_EQ(results.failures().size(), 100u);
    EXPECT_EQ(results.failures()[99].message, std::string(297, '!'));
    for (std::uint64_t i = 1; i < 300; i += 3) ASSERT_EQ(results[i], std::string(i, 'r'));
}

TEST(Exceptions, ThatAreNotStandardOnesAreDescribed) {
    auto const results = pool().map(
        [](std::uint64_t i) {
            if (i == 1) throw 42;
            if (i == 2) throw NotAnException{};
            return i;
        },
        indices(4), {.on_failure = OnFailure::collect});
    ASSERT_EQ(results.failures().size(), 2u);
    for (auto const& failure : results.failures()) {
        EXPECT_EQ(failure.cause, FailureCause::exception);
        EXPECT_TRUE(contains(failure.message, "not derived from std::exception"));
    }
    EXPECT_EQ(results[3], 3u);
}

TEST(Exceptions, WithLongAndOddMessagesArrive) {
    auto const results = pool().map(
        [](std::uint64_t i) -> int {
            if (i == 0) throw std::runtime_error("");
            if (i == 1) throw std::runtime_error(std::string(100'000, 'm'));
            throw std::runtime_error("two\nlines\t\xff");
        },
        indices(3), {.on_failure = OnFailure::collect});
    ASSERT_EQ(results.failures().size(), 3u);
    EXPECT_EQ(results.failures()[0].message, "");
    EXPECT_TRUE(contains(results.failures()[1].message, std::string(1000, 'm')));
    EXPECT_EQ(results.failures()[2].message, "two\nlines\t\xff");
}

TEST(Exceptions, OfEveryTaskAreAllThere) {
    auto const results =
        pool().map([](std::uint64_t i) -> int { throw std::runtime_error(std::to_string(i)); },
                   indices(20'000), {.on_failure = OnFailure::collect});
    ASSERT_EQ(results.failures().size(), 20'000u);
    for (std::uint64_t i = 0; i < 20'000; ++i) {
        ASSERT_EQ(results.failures()[i].task, i);
        ASSERT_EQ(results.failures()[i].message, std::to_string(i));
    }
}

TEST(Exceptions, WhileDecodingTheFunctionFailEveryTask) {
    auto const results = pool().map(Undecodable{}, indices(5), {.on_failure = OnFailure::collect});
    ASSERT_EQ(results.failures().size(), 5u);
    EXPECT_TRUE(contains(results.failures()[4].message, "cannot be read"));
}

TEST(Exceptions, LeaveThePoolUsable) {
    for (int round = 0; round < 20; ++round)
        EXPECT_THROW((void)pool().map(Doubled{}, indices(30)), TaskError);
    auto const results = pool().map(Doubled{}, indices(7));
    for (std::uint64_t i = 0; i < 7; ++i) EXPECT_EQ(results[i], static_cast<double>(i) * 2);
}

}  // namespace
}  // namespace plenum::api_test
