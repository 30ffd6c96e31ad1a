// What must not travel is refused before it does: addresses in function objects; calls that have no place in
// a task.
#include <dlfcn.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <numeric>
#include <random>

#include "api/pool_test.hpp"

namespace plenum::api_test {
namespace {

/// Without it only addresses in the stack are refused.
#if __has_builtin(__builtin_clear_padding)
constexpr bool padding_is_cleared = true;
#else
constexpr bool padding_is_cleared = false;
#endif

int global_number = 3;

double half(double x) {
    return x / 2;
}
std::uint64_t squared(std::uint64_t i) {
    return i * i;
}
std::uint64_t cubed(std::uint64_t i) {
    return i * i * i;
}
void fill_with(std::uint64_t i, std::span<int> out) {
    for (auto& value : out) value = static_cast<int>(i);
}

/// The message with which the map refuses `f`.
template <class F>
std::string refusal_of(F const& f) {
    return message_of<UsageError>([&] { (void)pool().map(f, indices(3)); });
}

TEST(CapturesByReference, AreRefused) {
    int number = 3;
    std::vector<double> values(10, 1.5);
    EXPECT_TRUE(contains(refusal_of([&number](std::uint64_t) { return number; }), "by reference"));
    EXPECT_TRUE(contains(refusal_of([&](std::uint64_t i) { return values[i]; }), "word 0"));
    EXPECT_TRUE(
        contains(refusal_of([x = 2.5, &values](std::uint64_t i) { return x * values[i]; }), "word 1"));
    EXPECT_TRUE(contains(refusal_of([&values](std::uint64_t i) { return values[i]; }), "share()"));
    EXPECT_EQ(pool().map([number](std::uint64_t) { return number; }, indices(3))[2], 3);
}

TEST(CapturedPointers, AreRefused) {
    if (!padding_is_cleared) GTEST_SKIP() << "this compiler cannot clear the padding of an object";
    auto const on_heap = std::make_unique<int>(4);
    std::vector<double> const values(1000, 1.5);
    EXPECT_TRUE(contains(refusal_of([p = on_heap.get()](std::uint64_t) { return *p; }), "memory of rank 0"));
    EXPECT_TRUE(contains(refusal_of([s = std::span(values)](std::uint64_t i) { return s[i]; }), "rank 0"));
    EXPECT_TRUE(contains(refusal_of([p = &global_number](std::uint64_t) { return *p; }), "rank 0"));
    EXPECT_TRUE(contains(refusal_of([text = "text"](std::uint64_t i) { return text[i]; }), "constants"));
    EXPECT_TRUE(contains(refusal_of([f = &squared](std::uint64_t i) { return f(i); }), "code"));
}

TEST(CapturedPointers, IntoSharedArraysAreRefusedAndTheRefIsNamed) {
    if (!padding_is_cleared) GTEST_SKIP() << "this compiler cannot clear the padding of an object";
    auto const array = pool().share(std::vector<int>(10, 7));
    EXPECT_TRUE(
        contains(refusal_of([data = array.data()](std::uint64_t i) { return data[i]; }), "array.ref()"));
    EXPECT_TRUE(contains(refusal_of([s = array.span()](std::uint64_t i) { return s[i]; }), "array.ref()"));
    EXPECT_EQ(pool().map([ref = array.ref()](std::uint64_t i) { return ref[i]; }, indices(3))[2], 7);
}

struct NumberAndLetter {
    std::uint64_t number = 7;
    char small = 2;
};

/// Where a function object was made something else lay before.
TEST(CapturedNumbers, WithAnOldAddressBetweenThemTravelAlsoInsideOfOthers) {
    auto const old = std::make_unique<std::array<std::byte, 4096>>();
    auto const address = reinterpret_cast<std::uintptr_t>(old->data() + 2048);
    alignas(NumberAndLetter) std::array<std::uintptr_t, 2> place{address, address};
    auto const* const made = new (place.data()) NumberAndLetter;
    detail::Carried<NumberAndLetter> const carried(*made);
    auto const results = pool().map([carried](std::uint64_t i) { return i + (*carried).number; }, indices(3));
    EXPECT_EQ(results[2], 9u);
}

TEST(CapturedNumbers, OfAnyValueTravel) {
    std::mt19937_64 random(1);
    for (int round = 0; round < 2000; ++round) {
        auto const hash = random();
        auto const count = hash % 1'000'000'000'000u;
        auto const number = std::ldexp(static_cast<double>(random()), static_cast<int>(random() % 200) - 100);
        auto const first = static_cast<unsigned>(random()), second = static_cast<unsigned>(random());
        if (round % 20 == 0) {
            auto const results = pool().map(
                [=](std::uint64_t i) {
                    return (hash ^ count) + i + (number > 0) + static_cast<std::uint64_t>(first - second);
                },
                indices(2));
            ASSERT_EQ(results[1], (hash ^ count) + 1 + 1 + static_cast<std::uint64_t>(first - second));
        }
        struct Numbers {
            std::uint64_t hash, count;
            double number;
            unsigned first, second;
        } const numbers{hash, count, number, first, second};
        ASSERT_NO_THROW(detail::refuse_addresses(reinterpret_cast<std::byte const*>(&numbers), sizeof numbers,
                                                 detail::Padding::cleared));
    }
}

TEST(CapturedNumbers, OfExtentsInPairsTravel) {
    for (int rows = 256; rows < 7000; rows += 16) {
        std::array<int, 4> const extents{1024, rows, rows, rows};
        ASSERT_NO_THROW(detail::refuse_addresses(reinterpret_cast<std::byte const*>(extents.data()),
                                                 sizeof extents, detail::Padding::cleared))
            << rows;
    }
}

struct Padded {
    std::uint32_t low;  // with the padding behind it as long as an address
    double value;
    double operator()(std::uint64_t i) const {
        return value + static_cast<double>(low) + static_cast<double>(i);
    }
};

TEST(CapturedNumbers, TravelWhateverThePaddingBesideThemHolds) {
    auto const on_heap = std::make_unique<int>(4);
    std::array<std::uintptr_t, 2> const old{reinterpret_cast<std::uintptr_t>(on_heap.get()), 0};
    alignas(Padded) std::array<std::byte, sizeof(Padded)> memory;
    std::memcpy(memory.data(), old.data(), sizeof old);
    auto* const task = reinterpret_cast<Padded*>(memory.data());
    task->value = 0.5;
    EXPECT_EQ(pool().map(*task, indices(2))[1], 1.5 + static_cast<double>(task->low));
}

TEST(Functions, AreTasks) {
    std::vector<double> const values{1, 3, 5};
    auto const halves = pool().map(half, values);
    EXPECT_EQ(halves.to_vector(), (std::vector<double>{0.5, 1.5, 2.5}));
    auto* function = &squared;
    auto const squares = pool().map(function, indices(300));
    function = &cubed;
    auto const cubes = pool().map(function, indices(300));
    for (std::uint64_t i = 0; i < 300; ++i) {
        ASSERT_EQ(squares[i], i * i);
        ASSERT_EQ(cubes[i], i * i * i);
    }
    auto const filled = pool().map(fill_with, indices(5), {.shape = {3}});
    EXPECT_EQ(filled[4][2], 4);
}

TEST(Functions, OfSharedLibrariesAreRefusedWithTheWayOut) {
    auto* const function = reinterpret_cast<double (*)(double)>(::dlsym(RTLD_DEFAULT, "cbrt"));
    ASSERT_NE(function, nullptr);
    auto const message = message_of<UsageError>([&] {
        (void)pool().map(function, std::vector<double>{1, 8});
    });
    EXPECT_TRUE(contains(message, "shared library"));
    EXPECT_TRUE(contains(message, "return f(x);"));
}

TEST(InsideATask, ThePoolIsRefused) {
    auto const results = pool().map(
        [](std::uint64_t i) {
            if (i == 4) detail::refuse_inside_task("a map");
            return i;
        },
        indices(10), {.on_failure = OnFailure::collect});
    ASSERT_EQ(results.failures().size(), 1u);
    EXPECT_EQ(results.failures()[0].task, 4u);
    EXPECT_EQ(results.failures()[0].cause, FailureCause::exception);
    EXPECT_TRUE(contains(results.failures()[0].message, "a map inside a task"));
    EXPECT_NO_THROW(detail::refuse_inside_task("a map"));
}

TEST(InsideATask, MapsAndSharedArraysAreRefusedWhereTheTaskIsAThread) {
    if (tasks_are_isolated()) GTEST_SKIP() << "a task in a process of its own has no way to the pool";
    auto const map = pool().map([](std::uint64_t i) { return pool().map(squared, indices(3))[i]; },
                                indices(3), {.on_failure = OnFailure::collect});
    auto const share = pool().map([](std::uint64_t) { return pool().share(std::vector<int>(3)).size(); },
                                  indices(3), {.on_failure = OnFailure::collect});
    // Tasks of other ranks find no pool at all; with one rank all fail alike.
    for (auto const& failure : map.failures()) EXPECT_TRUE(contains(failure.message, "a map inside a task"));
    for (auto const& failure : share.failures())
        EXPECT_TRUE(contains(failure.message, "array made inside a task"));
    EXPECT_EQ(map.failures().size(), 3u);
    EXPECT_EQ(share.failures().size(), 3u);
}

}  // namespace
}  // namespace plenum::api_test
