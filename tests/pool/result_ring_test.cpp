// The ring between an executor and the leader: order and content, whatever wraps around, is full or dies.
#include "pool/result_ring.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <new>
#include <random>
#include <thread>
#include <vector>

#include "comm/shared_mapping.hpp"

namespace plenum::pool {
namespace {

/// A ring in memory that forked processes share.
class Ring {
public:
    explicit Ring(std::uint64_t size)
        : bytes(size),
          memory_(4096 + size),
          cell(*new (memory_.base()) ExecutorCell{}),
          begin(memory_.base() + 4096) {}

    [[nodiscard]] bool push(std::uint64_t task, ByteView content) const {
        return ring_push(
            cell, begin, bytes,
            {.kind = RingRecord::Kind::result, .cause = FailureCause::exception, .bytes = 0, .task = task, .sequence = 7},
            content);
    }
    [[nodiscard]] std::optional<RingFront> front() const { return ring_front(cell, begin, bytes); }
    void pop(RingFront const& record) const { ring_pop(cell, record); }

    std::uint64_t const bytes;

private:
    comm::SharedMapping memory_;

public:
    ExecutorCell& cell;
    std::byte* const begin;
};

static_assert(sizeof(ExecutorCell) <= 4096);

/// Content of record `task`, of a size that varies up to `limit`.
Bytes content_of(std::uint64_t task, std::uint64_t limit) {
    std::mt19937_64 random(task);
    auto const size = task % 17 == 0  ? limit
                      : task % 5 == 0 ? 0
                                      : random() % std::min<std::uint64_t>(limit, 300);
    Bytes bytes(size);
    for (auto& byte : bytes) byte = static_cast<std::byte>(random());
    return bytes;
}

void produce(Ring const& ring, std::uint64_t records) {
    auto const limit = ring_record_limit(ring.bytes);
    for (std::uint64_t task = 0; task < records; ++task) {
        auto const content = content_of(task, limit);
        while (!ring.push(task, content)) std::this_thread::yield();
    }
}

void expect_all(Ring const& ring, std::uint64_t records) {
    auto const limit = ring_record_limit(ring.bytes);
    for (std::uint64_t task = 0; task < records; ++task) {
        auto front = ring.front();
        for (; !front; front = ring.front()) std::this_thread::yield();
        ASSERT_EQ(front->record.task, task);
        ASSERT_EQ(front->record.sequence, 7u);
        ASSERT_EQ(front->record.kind, RingRecord::Kind::result);
        auto const expected = content_of(task, limit);
        ASSERT_EQ(front->content.size(), expected.size());
        ASSERT_TRUE(std::equal(expected.begin(), expected.end(), front->content.begin()))
            << "record " << task;
        ring.pop(*front);
    }
    EXPECT_FALSE(ring.front().has_value());
}

class ResultRing : public testing::TestWithParam<std::uint64_t> {};

TEST_P(ResultRing, PassesRecordsInOrderBetweenThreads) {
    Ring const ring(GetParam());
    std::thread producer([&ring] { produce(ring, 4000); });
    expect_all(ring, 4000);
    producer.join();
}

TEST_P(ResultRing, PassesRecordsInOrderBetweenProcesses) {
    Ring const ring(GetParam());
    auto const child = ::fork();
    if (child == 0) {
        produce(ring, 4000);
        ::_exit(0);
    }
    expect_all(ring, 4000);
    ::waitpid(child, nullptr, 0);
}

/// Fills it, empties part of it, fills it again, at all alignments of head and tail.
TEST_P(ResultRing, HoldsWhatFitsAndNoMore) {
    Ring const ring(GetParam());
    std::mt19937_64 random(3);
    auto const limit = ring_record_limit(ring.bytes);
    std::uint64_t pushed = 0, popped = 0;
    for (int round = 0; round < 300; ++round) {
        std::uint64_t held = 0;
        for (;; ++pushed, ++held)
            if (!ring.push(pushed, content_of(pushed, limit))) break;
        EXPECT_LE(ring.cell.ring_head - ring.cell.ring_tail, ring.bytes);
        for (auto left = 1 + random() % (pushed - popped); left > 0; --left, ++popped) {
            auto const front = ring.front();
            ASSERT_TRUE(front.has_value());
            ASSERT_EQ(front->record.task, popped);
            auto const expected = content_of(popped, limit);
            ASSERT_TRUE(
                std::equal(expected.begin(), expected.end(), front->content.begin(), front->content.end()));
            ring.pop(*front);
        }
    }
    EXPECT_GT(pushed, 300u);
}

INSTANTIATE_TEST_SUITE_P(Sizes, ResultRing, testing::Values(4096u, 65536u, 1u << 20));

TEST(ResultRing, TakesTheLargestRecordAlwaysWhenItIsEmpty) {
    Ring const ring(4096);
    Bytes const largest(ring_record_limit(ring.bytes), std::byte{5});
    Bytes const small(40, std::byte{6});
    for (std::uint64_t i = 0; i < 500; ++i) {
        for (std::uint64_t k = 0; k < i % 7; ++k) {
            ASSERT_TRUE(ring.push(i, small));
            ring.pop(*ring.front());
        }
        ASSERT_TRUE(ring.push(i, largest)) << "with head at " << ring.cell.ring_head % ring.bytes;
        auto const front = ring.front();
        ASSERT_TRUE(front.has_value());
        EXPECT_EQ(front->content.size(), largest.size());
        ring.pop(*front);
    }
}

TEST(ResultRing, StaysAtItsBeginningWhileTheLeaderKeepsUp) {
    Ring const ring(1 << 20);
    Bytes const content(1000, std::byte{1});
    for (std::uint64_t i = 0; i < 3000; ++i) {
        ASSERT_TRUE(ring.push(i, content));
        auto const front = ring.front();
        ASSERT_TRUE(front.has_value());
        EXPECT_LT(front->content.data() - ring.begin, (1 << 20) / 32) << "more pages are touched than needed";
        ring.pop(*front);
    }
}

}  // namespace
}  // namespace plenum::pool
