// What every transport has to keep: one suite, run on each implementation. All ranks run the same tests
// together.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "comm/transport.hpp"

namespace plenum::comm::test {

struct TransportUnderTest {
    char const* name;
    std::function<Transport&()> get;
    std::size_t piece_bytes;  ///< payloads are cut from here on
};

inline void PrintTo(TransportUnderTest const& transport, std::ostream* out) {
    *out << transport.name;
}

/// Bytes that only this message has.
[[nodiscard]] inline Bytes content(int from, int to, std::uint64_t number, std::size_t size) {
    Bytes bytes(size);
    auto value =
        static_cast<std::uint64_t>(from) * 1'000'003 + static_cast<std::uint64_t>(to) * 10'007 + number;
    for (std::size_t i = 0; i < size; i += sizeof value) {
        value = value * 6364136223846793005u + 1442695040888963407u;
        std::memcpy(bytes.data() + i, &value, std::min(sizeof value, size - i));
    }
    return bytes;
}

class TransportContract : public testing::TestWithParam<TransportUnderTest> {
protected:
    /// Message `number` to `to`, with a payload of `size` bytes.
    void send(int to, std::uint64_t number, std::size_t size) {
        transport_.send(to,
                        wire::AssignBlock{.batch = static_cast<std::uint32_t>(rank_),
                                          .block = number,
                                          .tasks = {number, size},
                                          .payload = wire::Payload::of(content(rank_, to, number, size))});
    }
    /// Whether it is message `number` of its sender, whole.
    testing::AssertionResult is_message(Incoming const& incoming, std::uint64_t number) const {
        auto const* const block = std::get_if<wire::AssignBlock>(&incoming.message);
        if (block == nullptr) return testing::AssertionFailure() << "another kind of message";
        if (static_cast<int>(block->batch) != incoming.source)
            return testing::AssertionFailure()
                   << "of " << block->batch << ", said to be of " << incoming.source;
        if (block->block != number)
            return testing::AssertionFailure() << "number " << block->block << ", not " << number;
        auto const expected = content(incoming.source, rank_, number, block->tasks.last);
        if (!std::equal(expected.begin(), expected.end(), block->payload.bytes.begin(),
                        block->payload.bytes.end()))
            return testing::AssertionFailure()
                   << "payload of " << block->payload.bytes.size() << " bytes differs";
        return testing::AssertionSuccess();
    }
    template <class Done>
    testing::AssertionResult receive_until(Done&& done, std::function<void(Incoming)> const& take) {
        auto const end = base::now_ns() + 60'000'000'000u;
        while (!done()) {
            if (base::now_ns() > end)
                return testing::AssertionFailure() << "rank " << rank_ << " waits in vain";
            if (auto incoming = transport_.receive()) {
                take(std::move(*incoming));
            } else {
                timespec const nap{0, 50'000};
                ::nanosleep(&nap, nullptr);
            }
        }
        return testing::AssertionSuccess();
    }
    void drain() {
        EXPECT_TRUE(receive_until(
            [this] { return !transport_.busy(); },
            [](Incoming const& left) { ADD_FAILURE() << "a message too much, of " << left.source; }));
    }
    /// Nothing of one test reaches the next one.
    void TearDown() override {
        drain();
        transport_.barrier();
        EXPECT_FALSE(transport_.receive().has_value());
    }

    Transport& transport_ = GetParam().get();
    int const rank_ = transport_.rank(), ranks_ = transport_.ranks();
};

TEST_P(TransportContract, KeepsTheOrderOfEachPair) {
    constexpr std::uint64_t messages = 60;
    auto const piece = GetParam().piece_bytes;
    std::vector<std::size_t> const sizes{0, 1, piece - 1, piece, piece + 1, 3 * piece + 7, 0, 100};
    for (std::uint64_t number = 0; number < messages; ++number)
        for (int to = 0; to < ranks_; ++to)
            send(to, number, sizes[(number + static_cast<std::uint64_t>(to)) % sizes.size()]);
    std::vector<std::uint64_t> next(static_cast<std::size_t>(ranks_));
    EXPECT_TRUE(receive_until([&] { return std::ranges::all_of(next, [](auto n) { return n == messages; }); },
                              [&](Incoming const& incoming) {
                                  auto& number = next[static_cast<std::size_t>(incoming.source)];
                                  EXPECT_TRUE(is_message(incoming, number))
                                      << "from rank " << incoming.source;
                                  ++number;
                              }));
}

TEST_P(TransportContract, CarriesManySizesBetweenAllAtOnce) {
    constexpr std::uint64_t messages = 150;
    std::mt19937_64 random(static_cast<unsigned>(rank_) + 1);
    std::uniform_int_distribution<int> any_rank(0, ranks_ - 1);
    std::uniform_int_distribution<std::size_t> small(0, 64), large(0, 5 * GetParam().piece_bytes);
    std::vector<std::uint64_t> sent(static_cast<std::size_t>(ranks_)), got(sent), expected(sent);
    auto const take = [&](Incoming const& incoming) {
        EXPECT_TRUE(is_message(incoming, got[static_cast<std::size_t>(incoming.source)]++));
    };
    for (std::uint64_t i = 0; i < messages; ++i) {
        auto const to = any_rank(random);
        send(to, sent[static_cast<std::size_t>(to)]++, i % 5 == 0 ? large(random) : small(random));
        if (i % 3 == 0)
            if (auto const incoming = transport_.receive()) take(*incoming);
    }
    // How many each rank has sent to me.
    std::string mine(reinterpret_cast<char const*>(sent.data()), sent.size() * sizeof(std::uint64_t));
    auto const all = transport_.exchange(mine);
    for (std::size_t from = 0; from < all.size(); ++from)
        std::memcpy(&expected[from],
                    all[from].data() + static_cast<std::size_t>(rank_) * sizeof(std::uint64_t),
                    sizeof(std::uint64_t));
    EXPECT_TRUE(receive_until([&] { return got == expected; }, take));
}

TEST_P(TransportContract, CarriesAPayloadOfManyMebibytes) {
    constexpr std::size_t size = (std::size_t{17} << 20) + 5;
    if (rank_ == 0) send(ranks_ - 1, 0, size);
    bool arrived = rank_ != ranks_ - 1;
    EXPECT_TRUE(receive_until([&] { return arrived; },
                              [&](Incoming const& incoming) {
                                  EXPECT_EQ(incoming.source, 0);
                                  EXPECT_TRUE(is_message(incoming, 0));
                                  arrived = true;
                              }));
}

TEST_P(TransportContract, HandsMessagesToItselfOverUncopied) {
    auto payload = wire::Payload::of(content(rank_, rank_, 3, 1000));
    auto const* const bytes = payload.bytes.data();
    transport_.send(rank_,
                    wire::AssignBlock{.batch = 9, .block = 3, .tasks = {}, .payload = std::move(payload)});
    EXPECT_TRUE(transport_.busy());
    EXPECT_TRUE(transport_.ready());
    auto const incoming = transport_.receive();
    ASSERT_TRUE(incoming.has_value());
    EXPECT_FALSE(transport_.ready());
    EXPECT_EQ(incoming->source, rank_);
    EXPECT_EQ(std::get<wire::AssignBlock>(incoming->message).payload.bytes.data(), bytes);
}

TEST_P(TransportContract, LetsGoOfPayloadsThatAreSent) {
    auto const to = (rank_ + 1) % ranks_;
    auto const keeper = std::make_shared<Bytes const>(content(rank_, to, 0, 3 * GetParam().piece_bytes));
    transport_.send(to, wire::AssignBlock{.batch = static_cast<std::uint32_t>(rank_),
                                          .block = 0,
                                          .tasks = {0, keeper->size()},
                                          .payload = {keeper, *keeper}});
    bool arrived = false;
    EXPECT_TRUE(receive_until([&] { return arrived && !transport_.busy(); },
                              [&](Incoming const& incoming) {
                                  EXPECT_TRUE(is_message(incoming, 0));
                                  arrived = true;
                              }));
    EXPECT_EQ(keeper.use_count(), 1);
}

TEST_P(TransportContract, CarriesEachKindOfMessage) {
    auto const to = (rank_ + 1) % ranks_;
    transport_.send(to, wire::Output{.rank = rank_, .tasks = {4, 5}, .error = true, .text = "a line\n"});
    wire::BlockResults sent;
    sent.runs = {{4, 6}, {8, 9}};
    sent.failures.push_back({.task = 5, .message = "singular"});
    transport_.send(to, std::move(sent));
    transport_.send(to, wire::Stop{});
    transport_.send(to, wire::Goodbye{.exit_code = 75});
    std::vector<wire::Message> got;
    EXPECT_TRUE(receive_until([&] { return got.size() == 4; },
                              [&](Incoming incoming) { got.push_back(std::move(incoming.message)); }));
    ASSERT_EQ(got.size(), 4u);
    EXPECT_EQ(std::get<wire::Output>(got[0]).text, "a line\n");
    auto const& results = std::get<wire::BlockResults>(got[1]);
    EXPECT_EQ(results.runs.at(1).first, 8u);
    EXPECT_EQ(results.failures.at(0).message, "singular");
    EXPECT_TRUE(results.payload.bytes.empty());
    EXPECT_TRUE(std::holds_alternative<wire::Stop>(got[2]));
    EXPECT_EQ(std::get<wire::Goodbye>(got[3]).exit_code, 75);
}

TEST_P(TransportContract, ExchangesTextsInTheOrderOfRanks) {
    // Of different lengths, some empty.
    auto const text_of = [](int rank) {
        return std::string(static_cast<std::size_t>(rank * 7 % 5), static_cast<char>('a' + rank));
    };
    auto const all = transport_.exchange(text_of(rank_));
    ASSERT_EQ(all.size(), static_cast<std::size_t>(ranks_));
    for (int rank = 0; rank < ranks_; ++rank) EXPECT_EQ(all[static_cast<std::size_t>(rank)], text_of(rank));
    for (auto const& text : transport_.exchange("")) EXPECT_EQ(text, "");
}

TEST_P(TransportContract, LeavesABarrierWhenAllHaveEntered) {
    timespec const nap{0, rank_ * 5'000'000};
    ::nanosleep(&nap, nullptr);
    auto const entered = base::now_ns();
    transport_.barrier();
    auto const left = base::now_ns();
    // One machine, one clock.
    for (auto const& text : transport_.exchange(std::to_string(entered))) EXPECT_LE(std::stoull(text), left);
}

}  // namespace plenum::comm::test
