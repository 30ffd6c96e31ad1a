// Range allocator, segment pool, tree of leaders, results in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <map>
#include <memory>
#include <random>
#include <set>
#include <stdexcept>
#include <thread>

#include "base/doorbell.hpp"
#include "comm/shared_mapping.hpp"
#include "pool/batch_sink.hpp"
#include "pool/host.hpp"
#include "pool/leader.hpp"
#include "pool/range_allocator.hpp"

namespace plenum::pool {
namespace {

using testing::ElementsAre;

/// The plainest allocator there is: a flag for each unit.
class Model {
public:
    explicit Model(std::size_t units) : taken_(units) {}
    std::optional<std::size_t> allocate(std::size_t units) {
        for (std::size_t at = 0; at + units <= taken_.size(); ++at)
            if (std::none_of(taken_.begin() + static_cast<std::ptrdiff_t>(at),
                             taken_.begin() + static_cast<std::ptrdiff_t>(at + units),
                             [](bool t) { return t; })) {
                mark(at, units, true);
                return at;
            }
        return std::nullopt;
    }
    void mark(std::size_t at, std::size_t units, bool taken) {
        for (std::size_t i = 0; i < units; ++i) taken_[at + i] = taken;
    }
    [[nodiscard]] std::size_t used() const {
        return static_cast<std::size_t>(std::count(taken_.begin(), taken_.end(), true));
    }
    [[nodiscard]] std::size_t largest_hole() const {
        std::size_t largest = 0, hole = 0;
        for (bool const taken : taken_) {
            hole = taken ? 0 : hole + 1;
            largest = std::max(largest, hole);
        }
        return largest;
    }

private:
    std::vector<bool> taken_;
};

TEST(RangeAllocator, DoesWhatAModelDoes) {
    constexpr std::uint64_t unit = 64, begin = 128, units = 200;
    for (unsigned seed = 0; seed < 20; ++seed) {
        RangeAllocator allocator(begin, begin + units * unit, unit);
        Model model(units);
        std::mt19937 random(seed);
        std::map<std::uint64_t, std::size_t> live;  // offset -> units
        for (int step = 0; step < 2000; ++step) {
            if (!live.empty() && random() % 100 < 48) {
                auto const entry =
                    std::next(live.begin(), static_cast<std::ptrdiff_t>(random() % live.size()));
                allocator.free(entry->first);
                model.mark((entry->first - begin) / unit, entry->second, false);
                live.erase(entry);
            } else {
                auto const bytes = random() % (20 * unit);
                auto const size = std::max<std::uint64_t>(1, (bytes + unit - 1) / unit);
                auto const got = allocator.allocate(bytes);
                auto const expected = model.allocate(size);
                ASSERT_EQ(got.has_value(), expected.has_value()) << "step " << step;
                if (got) {
                    ASSERT_EQ(*got, begin + *expected * unit);
                    live[*got] = size;
                }
            }
            ASSERT_EQ(allocator.used(), model.used() * unit);
            ASSERT_EQ(allocator.largest_hole(), model.largest_hole() * unit);
        }
        for (auto const& [offset, size] : live) allocator.free(offset);
        EXPECT_EQ(allocator.largest_hole(), allocator.capacity());
    }
}

TEST(RangeAllocator, RefusesToFreeWhatItDidNotGive) {
    RangeAllocator allocator(0, 4096, 64);
    auto const offset = allocator.allocate(100);
    EXPECT_THROW(allocator.free(*offset + 64), std::logic_error);
    allocator.free(*offset);
    EXPECT_THROW(allocator.free(*offset), std::logic_error);
    EXPECT_FALSE(allocator.allocate(4097).has_value());
    EXPECT_EQ(RangeAllocator(64, 64, 64).allocate(1), std::nullopt);
}

bool rings(base::Doorbell& bell) {
    pollfd fd{.fd = bell.fd(), .events = POLLIN, .revents = 0};
    bool const rang = ::poll(&fd, 1, 10'000) == 1;
    bell.drain();
    return rang;
}

constexpr std::uint64_t keeps_pages = UINT64_MAX;

TEST(SegmentPool, TakesSegmentsBackFromAnyThreadAndRings) {
    base::Doorbell bell;
    SegmentPool pool({}, 4096, 4096 * 11, keeps_pages, bell.address());
    auto first = pool.allocate(5 * 4096);
    auto second = pool.allocate(5 * 4096);
    ASSERT_TRUE(first && second);
    EXPECT_NE(*first, *second);
    EXPECT_EQ(pool.allocate(1), nullptr);
    auto copy = first;
    first.reset();
    EXPECT_EQ(pool.used(), 10u * 4096);
    std::thread([held = std::move(copy)]() mutable { held.reset(); }).join();
    EXPECT_TRUE(rings(bell));
    EXPECT_EQ(pool.used(), 5u * 4096);
    EXPECT_NE(pool.allocate(5 * 4096), nullptr);
}

TEST(SegmentPool, GivesThePagesOfLargeSegmentsBack) {
    comm::SharedMapping const memory(64 * 4096);
    base::Doorbell bell;
    SegmentPool pool(NodeView({memory.base(), memory.bytes()}), 0, memory.bytes(), 16 * 4096, bell.address());
    for (auto const& [pages, kept] : {std::pair{15, true}, std::pair{16, false}}) {
        auto segment = pool.allocate(static_cast<std::uint64_t>(pages) * 4096);
        auto* const last_byte = memory.base() + *segment + pages * 4096 - 1;
        *last_byte = std::byte{7};
        segment.reset();
        EXPECT_EQ(*last_byte == std::byte{7}, kept) << pages;
    }
}

TEST(SegmentPool, IsOutlivedByItsSegments) {
    base::Doorbell bell;
    auto pool = std::make_unique<SegmentPool>(NodeView(), 0, 8192, keeps_pages, bell.address());
    auto segment = pool->allocate(10);
    pool.reset();
    segment.reset();
    EXPECT_TRUE(rings(bell));
}

TEST(SegmentPool, ServesManyThreadsAtOnce) {
    base::Doorbell bell;
    SegmentPool pool({}, 0, 64 * 4096, keeps_pages, bell.address());
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&pool] {
            for (std::uint64_t i = 0; i < 2000; ++i) EXPECT_NE(pool.allocate(4096 * (1 + i % 8)), nullptr);
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(pool.used(), 0u);
}

TEST(TreeOfLeaders, ReachesEachNodeOnce) {
    for (int const nodes : {1, 2, 3, 4, 7, 8, 100, 1023, 1024}) {
        std::set<int> reached{0};
        std::vector<int> open{0};
        while (!open.empty()) {
            auto const node = open.back();
            open.pop_back();
            auto const children = tree_children(node, nodes);
            EXPECT_LE(children.size(), 2u);
            for (int const child : children) {
                EXPECT_GT(child, node);
                EXPECT_LT(child, nodes);
                EXPECT_TRUE(reached.insert(child).second) << child << " is reached twice";
                open.push_back(child);
            }
        }
        EXPECT_EQ(reached.size(), static_cast<std::size_t>(nodes));
    }
}

wire::Payload payload_of(std::vector<std::uint16_t> const& values) {
    auto const bytes = std::as_bytes(std::span(values));
    return wire::Payload::of({bytes.begin(), bytes.end()});
}

TEST(MemorySink, PutsResultsOfFixedSizeInTheirPlace) {
    std::vector<std::uint16_t> values(10, 99);
    auto store = std::make_shared<detail::ResultStore>();
    store->tasks = 10;
    store->stride = sizeof(std::uint16_t);
    store->base = reinterpret_cast<std::byte*>(values.data());
    MemorySink sink(store, {"here", "there"});
    wire::BlockResults results;
    results.runs = {{7, 9}};
    results.payload = payload_of({70, 80});
    sink.take(results);
    results.runs = {{1, 2}};
    results.payload = payload_of({10});
    sink.take(results);
    wire::BlockResults in_place;  // without payload the executors have written into the store
    in_place.runs = {{3, 5}};
    sink.take(in_place);
    EXPECT_THAT(values, ElementsAre(99, 10, 99, 99, 99, 99, 99, 70, 80, 99));
}

TEST(MemorySink, KeepsResultsOfVaryingLengthAndSortsFailures) {
    auto store = std::make_shared<detail::ResultStore>();
    store->tasks = 6;
    store->views.resize(6);
    MemorySink sink(store, {"here", "there"});
    std::weak_ptr<void const> owner;
    {
        wire::BlockResults results;
        results.runs = {{1, 3}, {5, 6}};
        results.lengths = {4, 0, 2};
        results.failures = {
            {.task = 2, .rank = 1, .attempt = 1, .cause = FailureCause::crash, .message = "signal 11"}};
        results.payload = payload_of({1, 2, 3});
        owner = results.payload.owner;
        sink.take(std::move(results));
        wire::BlockResults failed;
        failed.runs = {{0, 1}, {3, 5}};
        failed.lengths = {0, 0, 0};
        failed.failures = {
            {.task = 0, .rank = 0, .attempt = 1, .cause = FailureCause::exception, .message = "odd"}};
        sink.take(std::move(failed));
    }
    bool done = false;
    sink.finish([&](std::exception_ptr error) { done = error == nullptr; });
    EXPECT_TRUE(done);
    EXPECT_FALSE(owner.expired()) << "the views need these bytes";
    EXPECT_EQ(store->views[1].size(), 4u);
    EXPECT_EQ(store->views[1][2], std::byte{2});
    EXPECT_EQ(store->views[5].size(), 2u);
    EXPECT_EQ(store->views[5][0], std::byte{3});
    EXPECT_TRUE(store->views[2].empty());
    ASSERT_EQ(store->failures.size(), 2u);
    EXPECT_EQ(store->failures[0].task, 0u);
    EXPECT_EQ(store->failures[0].host, "here");
    EXPECT_EQ(store->failures[1].task, 2u);
    EXPECT_EQ(store->failures[1].host, "there");
    EXPECT_EQ(store->failures[1].cause, FailureCause::crash);
}

}  // namespace
}  // namespace plenum::pool
