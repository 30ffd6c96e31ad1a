// Tasks that end their process: each is charged to its index with what happened, and everything else goes on.
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <set>
#include <stdexcept>

#include "api/pool_test.hpp"

namespace plenum::api_test {
namespace {

enum class End {
    segfault,
    abort,
    exit_3,
    exit_at_once,
    killed,
    stack_overflow,
    shared_array,
    terminate,
    exception_in_noexcept,
    division_by_zero,
    illegal,
    pipe,
};

struct Expected {
    End end;
    std::string_view words;
};
constexpr Expected all_ends[] = {
    {End::segfault, "null pointer"},
    {End::abort, "signal 6"},
    {End::exit_3, "exit(3)"},
    {End::exit_at_once, "exit(0)"},
    {End::killed, "signal 9"},
    {End::stack_overflow, "stack overflow"},
    {End::shared_array, "shared array"},
    {End::terminate, "signal 6"},
    {End::exception_in_noexcept, "signal 6"},
    {End::division_by_zero, "signal 8"},
    {End::illegal, "signal 4"},
    {End::pipe, "signal 13"},
};

/// Needs a frame of its own for each level, up to `levels`.
[[gnu::noinline]] int dig(std::uint64_t levels, char volatile const* above) {
    char volatile frame[4096];
    frame[levels % sizeof frame] = above[0];
    if (levels == 0) return 0;
    return dig(levels - 1, frame) + frame[levels % sizeof frame];
}

[[gnu::noinline]] void throw_runtime_error() {
    throw std::runtime_error("thrown where it must not be");
}

void throw_out_of_noexcept() noexcept {
    throw_runtime_error();
}

__attribute__((no_sanitize("undefined", "address"))) void end_process(End end,
                                                                      SharedRef<double> const& array) {
    static int volatile zero = 0;
    static int* volatile nowhere = nullptr;
    switch (end) {
        case End::segfault:
            *nowhere = 1;
            break;
        case End::abort:
            std::abort();
        case End::exit_3:
            std::exit(3);
        case End::exit_at_once:
            ::_exit(0);
        case End::killed:
            ::raise(SIGKILL);
            break;
        case End::stack_overflow: {
            char const start = 1;
            zero = dig(std::uint64_t{1} << 40, &start);
            break;
        }
        case End::shared_array:
            const_cast<double&>(array[17]) = 1;
            break;
        case End::terminate:
            std::terminate();
        case End::exception_in_noexcept:
            throw_out_of_noexcept();
            break;
        case End::division_by_zero:
            zero = 7 / zero;
            break;
        case End::illegal:
            ::raise(SIGILL);
            break;
        case End::pipe:
            ::raise(SIGPIPE);
            break;
    }
}

/// The pool computes as it should.
void expect_usable_pool() {
    auto const results = pool().map([](std::uint64_t i) { return i * 5; }, indices(200));
    for (std::uint64_t i = 0; i < 200; ++i) ASSERT_EQ(results[i], i * 5);
}

TEST(Crash, OfEveryKindIsChargedToItsTaskAndNamed) {
    auto const array = pool().share(std::vector<double>(1000, 2.5));
    constexpr std::uint64_t tasks = std::size(all_ends) * 10;
    for (auto const* const technique : {"auto", "static", "ss"}) {
        auto const results = pool().map(
            [array = array.ref()](std::uint64_t i) {
                if (i % 10 == 4) end_process(all_ends[i / 10].end, array);
                return static_cast<double>(i) + array[i];
            },
            indices(tasks), {.schedule = technique, .on_failure = OnFailure::collect});
        ASSERT_EQ(results.failures().size(), std::size(all_ends)) << technique;
        for (std::size_t k = 0; k < std::size(all_ends); ++k) {
            auto const& failure = results.failures()[k];
            EXPECT_EQ(failure.task, k * 10 + 4);
            EXPECT_EQ(failure.cause, FailureCause::crash) << failure.message;
            EXPECT_TRUE(contains(failure.message, all_ends[k].words));
            EXPECT_GE(failure.rank, 0);
            EXPECT_LT(failure.rank, pool().ranks());
            EXPECT_FALSE(failure.host.empty());
        }
        for (std::uint64_t i = 0; i < tasks; ++i) {
            if (i % 10 == 4) {
                EXPECT_THROW((void)results[i], TaskError);
            } else {
                ASSERT_EQ(results[i], static_cast<double>(i) + 2.5) << technique;
            }
        }
        expect_usable_pool();
    }
    EXPECT_EQ(array.span()[17], 2.5);
}

TEST(Crash, RaisesATaskErrorThatSaysWhere) {
    try {
        (void)pool().map(
            [](std::uint64_t i) {
                if (i == 5) std::abort();
                return i;
            },
            indices(20));
        FAIL() << "nothing was thrown";
    } catch (TaskError const& error) {
        EXPECT_EQ(error.data().task, 5u);
        EXPECT_EQ(error.data().cause, FailureCause::crash);
        EXPECT_TRUE(contains(error.what(), "task 5"));
        EXPECT_TRUE(contains(error.what(), error.data().host));
    }
    expect_usable_pool();
}

TEST(Crash, OfTheFirstTheLastAndTheOnlyTask) {
    for (auto const count : {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{3}, std::uint64_t{50}}) {
        auto const results = pool().map(
            [count](std::uint64_t i) {
                if (i == 0 || i == count - 1) ::raise(SIGKILL);
                return i;
            },
            indices(count), {.on_failure = OnFailure::collect});
        EXPECT_EQ(results.failures().size(), count == 1 ? 1u : 2u);
        for (std::uint64_t i = 1; i + 1 < count; ++i) ASSERT_EQ(results[i], i);
    }
}

TEST(Crash, OfEveryTaskIsRecordedForEveryTask) {
    auto const results = pool().map(
        [](std::uint64_t i) -> std::uint64_t {
            if (i < 1000) ::_exit(static_cast<int>(i % 7));
            return i;
        },
        indices(100), {.on_failure = OnFailure::collect});
    ASSERT_EQ(results.failures().size(), 100u);
    for (std::uint64_t i = 0; i < 100; ++i) {
        EXPECT_EQ(results.failures()[i].task, i);
        EXPECT_TRUE(contains(results.failures()[i].message, "exit(" + std::to_string(i % 7) + ")"));
    }
    expect_usable_pool();
}

TEST(Crash, WithResultsOfVaryingLengthLosesNone) {
    auto const word_of = [](std::uint64_t i) { return std::string(i % 100, 'w') + std::to_string(i); };
    for (auto const* const technique : {"auto", "static", "ss", "gss"}) {
        auto const results = pool().map(
            [word_of](std::uint64_t i) {
                if (i % 25 == 11) std::abort();
                if (i % 25 == 12) throw std::runtime_error("thrown");
                return word_of(i);
            },
            indices(1000), {.schedule = technique, .on_failure = OnFailure::collect});
        ASSERT_EQ(results.failures().size(), 80u) << technique;
        for (std::size_t k = 0; k < 80; ++k) {
            EXPECT_EQ(results.failures()[k].task, k / 2 * 25 + 11 + k % 2);
            EXPECT_EQ(results.failures()[k].cause,
                      k % 2 == 0 ? FailureCause::crash : FailureCause::exception);
        }
        for (std::uint64_t i = 0; i < 1000; ++i)
            if (i % 25 != 11 && i % 25 != 12) {
                ASSERT_EQ(results[i], word_of(i)) << technique;
            }
    }
}

/// A fixed draw of 5 % of the tasks.
bool is_drawn(std::uint64_t task) {
    auto hash = (task + 1) * 0x9E3779B97F4A7C15u;
    hash = (hash ^ (hash >> 31)) * 0xBF58476D1CE4E5B9u;
    return (hash >> 40) % 20 == 0;
}

TEST(Crash, OfFivePercentOfManyTasksCostsOnlyThose) {
    constexpr std::uint64_t tasks = 10'000;
    std::set<std::uint64_t> expected;
    for (std::uint64_t i = 0; i < tasks; ++i)
        if (is_drawn(i)) expected.insert(i);
    ASSERT_GT(expected.size(), 400u);
    auto const results = pool().map(
        [](std::uint64_t i) {
            if (is_drawn(i)) ::raise(i % 2 == 0 ? SIGSEGV : SIGKILL);
            return i * i;
        },
        indices(tasks), {.on_failure = OnFailure::collect});
    std::set<std::uint64_t> failed;
    for (auto const& failure : results.failures()) {
        failed.insert(failure.task);
        EXPECT_EQ(failure.cause, FailureCause::crash);
    }
    EXPECT_EQ(failed, expected);
    EXPECT_EQ(results.failures().size(), failed.size());
    for (std::uint64_t i = 0; i < tasks; ++i)
        if (!expected.contains(i)) {
            ASSERT_EQ(results[i], i * i);
        }
    expect_usable_pool();
}

TEST(Crash, DoesNotLeakDescriptorsOrProcessesOfTheRank) {
    for (int round = 0; round < 30; ++round) {
        auto const results = pool().map(
            [](std::uint64_t i) {
                if (i == 3) ::_exit(1);
                return ::getppid();
            },
            indices(8), {.on_failure = OnFailure::collect});
        ASSERT_EQ(results.failures().size(), 1u);
    }
    auto const descriptors =
        pool().map([](std::uint64_t) { return ::dup(0); }, indices(20), {.schedule = "static"});
    // Each task leaves one open, and a fresh executor has few.
    auto const span = descriptors.span();
    EXPECT_LT(*std::max_element(span.begin(), span.end()), 200);
}

}  // namespace
}  // namespace plenum::api_test
