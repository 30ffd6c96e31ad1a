// Destructors that throw: of items, results and function objects, where tasks run.
#include <unistd.h>

#include <exception>
#include <plenum/pool.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "pool_test.hpp"

namespace plenum::api_test {
namespace {

/// Its destructor throws for the value 3, but in the process that has made it first.
struct Thrower {
    std::int64_t value = 0;
    std::int64_t home = 0;
    std::string text = "so that it is not plain bytes";

    Thrower() = default;
    explicit Thrower(std::int64_t number, std::int64_t process = 0) : value(number), home(process) {}
    Thrower(Thrower const&) = default;
    Thrower(Thrower&& from) noexcept : value(from.value), home(from.home), text(std::move(from.text)) {
        from.value = 0;
    }
    Thrower& operator=(Thrower const&) = default;
    ~Thrower() noexcept(false) {
        if (value == 3 && home != ::getpid() && std::uncaught_exceptions() == 0)
            throw std::runtime_error("the destructor of 3");
    }
    template <class Archive>
    void serialize(Archive& archive) {
        archive(value, home, text);
    }
};

struct Next {
    Thrower state;
    std::uint64_t operator()(std::uint64_t i) const { return i + 1; }
    template <class Archive>
    void serialize(Archive& archive) {
        archive(state);
    }
};

void expect_that_only_3_failed(Results<std::int64_t> const& results) {
    ASSERT_EQ(results.failures().size(), 1u);
    EXPECT_EQ(results.failures()[0].task, 3u);
    EXPECT_TRUE(contains(results.failures()[0].message, "the destructor of 3"));
    for (std::uint64_t i = 0; i < results.size(); ++i)
        if (i != 3) {
            EXPECT_EQ(results[i], static_cast<std::int64_t>(i));
        }
}

TEST(Destructors, OfAnItemFailItsTask) {
    if (!tasks_are_isolated()) GTEST_SKIP();
    std::vector<Thrower> items;
    items.reserve(10);
    for (std::int64_t i = 0; i < 10; ++i) items.emplace_back(i, ::getpid());
    expect_that_only_3_failed(pool().map([](Thrower const& item) { return item.value; }, items,
                                         {.on_failure = OnFailure::collect}));
    EXPECT_THROW((void)pool().map([](Thrower const& item) { return item.text; }, items),
                 plenum::MapError<std::string>);
}

TEST(Destructors, OfAResultFailItsTask) {
    if (!tasks_are_isolated()) GTEST_SKIP();
    auto const results = pool().map([](std::uint64_t i) { return Thrower(static_cast<std::int64_t>(i)); },
                                    plenum::indices(10), {.on_failure = OnFailure::collect});
    ASSERT_EQ(results.failures().size(), 1u);
    EXPECT_EQ(results.failures()[0].task, 3u);
    EXPECT_TRUE(contains(results.failures()[0].message, "the destructor of 3"));
    EXPECT_EQ(results[9].value, 9);
}

TEST(Destructors, OfAFunctionObjectHarmNobody) {
    if (!tasks_are_isolated()) GTEST_SKIP();
    for (int round = 0; round < 3; ++round) {
        auto const results = pool().map(Next{Thrower(3, ::getpid())}, plenum::indices(100));
        EXPECT_EQ(results[99], 100u);
        EXPECT_EQ(pool().apply([](int x) { return x; }, round), round);
    }
}

TEST(Destructors, OfWhatACallTakesAndGivesFailIt) {
    if (!tasks_are_isolated()) GTEST_SKIP();
    auto const value = [](Thrower const& item) { return item.value; };
    Thrower const three(3, ::getpid()), four(4, ::getpid());
    EXPECT_THROW((void)pool().submit(value, three).get(), plenum::TaskError);
    EXPECT_EQ(pool().submit(value, four).get(), 4);
    auto const make = [](int number) { return Thrower(number); };
    EXPECT_THROW((void)pool().submit(make, 3).get(), plenum::TaskError);
    EXPECT_EQ(pool().submit(make, 4).get().value, 4);
}

}  // namespace
}  // namespace plenum::api_test
