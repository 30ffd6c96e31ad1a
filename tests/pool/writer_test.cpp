// The thread for slow things: in order, the first error kept, nothing lost at its end.
#include "pool/writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

namespace plenum::pool {
namespace {

std::string message_of(std::exception_ptr const& error) {
    if (!error) return "";
    try {
        std::rethrow_exception(error);
    } catch (std::exception const& e) {
        return e.what();
    }
}

TEST(Writer, WorksInOrderAndFinishesWhatIsQueued) {
    std::vector<int> order, expected(1000);
    std::iota(expected.begin(), expected.end(), 0);
    {
        Writer writer;
        for (int i = 0; i < 1000; ++i) writer.post(1, [&order, i] { order.push_back(i); });
    }
    EXPECT_EQ(order, expected);
}

TEST(Writer, CountsWhatIsNotDoneYet) {
    Writer writer;
    std::promise<void> go;
    writer.post(100, [gate = go.get_future().share()] { gate.wait(); });
    writer.post(50, [] {});
    EXPECT_EQ(writer.backlog(), 150u);
    go.set_value();
    writer.run([] {});
    // The item that run() waited for is let go of just after its promise.
    while (writer.backlog() != 0) std::this_thread::yield();
    EXPECT_FALSE(writer.broken());
}

TEST(Writer, DropsLaterWorkAfterTheFirstError) {
    Writer writer;
    bool later = false;
    std::string first;
    writer.post(10, [] { throw std::runtime_error("disk full"); });
    writer.post(10, [&later] { later = true; });
    writer.post(10, [] { throw std::runtime_error("another"); });
    std::promise<void> seen;
    writer.post_always([&](std::exception_ptr const& error) {
        first = message_of(error);
        seen.set_value();
    });
    seen.get_future().wait();
    EXPECT_EQ(first, "disk full");
    EXPECT_FALSE(later);
    EXPECT_TRUE(writer.broken());
    bool ran = false;
    try {
        writer.run([&ran] { ran = true; });
        ADD_FAILURE() << "nothing was thrown";
    } catch (std::runtime_error const& error) {
        EXPECT_STREQ(error.what(), "disk full");
    }
    EXPECT_FALSE(ran);
}

TEST(Writer, ThrowsToWhoeverRuns) {
    Writer writer;
    EXPECT_THROW(writer.run([] { throw std::length_error("too long"); }), std::length_error);
    int value = 0;
    writer.run([&value] { value = 5; });
    EXPECT_EQ(value, 5) << "an error of run() concerns its caller alone";
}

TEST(Writer, TicksBetweenPiecesOfWorkAndWhenItIsDue) {
    std::atomic<int> ticks = 0;
    constexpr std::uint64_t soon = 1'000'000;
    Writer writer([&ticks] {
        ++ticks;
        return soon;
    });
    writer.run([] {});
    while (ticks < 5) std::this_thread::yield();
}

TEST(Writer, AnErrorOfATickIsThatOfTheWorkBefore) {
    Writer writer([]() -> std::uint64_t { throw std::runtime_error("disk full"); });
    writer.run([] {});
    while (!writer.broken()) std::this_thread::yield();
    EXPECT_THROW(writer.run([] {}), std::runtime_error);
}

TEST(Writer, EndsInTimeOrSaysThatItDidNot) {
    int last = 0;
    bool later = false;
    {
        Writer writer;
        EXPECT_TRUE(writer.end_within(60, [&last] { ++last; }));
        writer.post(1, [&later] { later = true; });
    }
    EXPECT_EQ(last, 1);
    EXPECT_FALSE(later);
    std::promise<void> go;
    Writer busy;
    busy.post(1, [gate = go.get_future().share()] { gate.wait(); });
    EXPECT_FALSE(busy.end_within(0.01, [] {}));
    EXPECT_FALSE(busy.end_within(
        60, [] {}, [] { return true; }));
    go.set_value();
}

TEST(Writer, LetsGoOfWhatWorkHeld) {
    auto const held = std::make_shared<int>(1);
    {
        Writer writer;
        writer.post(1, [held] {});
        writer.post(1, [] { throw std::runtime_error("disk full"); });
        writer.post(1, [held] {});
    }
    EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace plenum::pool
