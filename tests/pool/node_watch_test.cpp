#include "pool/node_watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plenum::pool {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint64_t second = 1'000'000'000;

/// Two nodes of two ranks; rank 0 watches.
comm::Topology two_nodes() {
    comm::Topology topology;
    topology.ranks = 4;
    topology.nodes = 2;
    topology.node_of = {0, 0, 1, 1};
    topology.leaders = {0, 2};
    topology.hosts = {"a", "a", "b", "b"};
    return topology;
}

class Watched {
public:
    explicit Watched(std::uint64_t limit) : watch_(topology_, limit * second, 0) {}
    /// All lines until `until` seconds, looking ten times a second; `rank` speaks each second, -1: nobody.
    std::vector<std::string> pass(std::uint64_t until, int rank) {
        std::vector<std::string> lines;
        for (; now_ < until * second; now_ += second / 10) {
            if (rank >= 0 && now_ % second == 0) watch_.heard(rank, now_);
            for (auto& line : watch_.look(now_)) lines.push_back(std::move(line));
        }
        return lines;
    }
    void skip(std::uint64_t seconds) { now_ += seconds * second; }
    void hear(int rank) { watch_.heard(rank, now_); }

private:
    comm::Topology topology_ = two_nodes();
    NodeWatch watch_;
    std::uint64_t now_ = 0;
};

TEST(NodeWatch, SaysOnceThatANodeIsSilentAndOnceThatItIsBack) {
    Watched node(30);
    EXPECT_THAT(node.pass(100, 2), IsEmpty());
    EXPECT_THAT(node.pass(129, -1), IsEmpty());
    EXPECT_THAT(node.pass(500, -1), ElementsAre(HasSubstr("nothing was heard of node b (rank 2) for 30 s")));
    EXPECT_THAT(node.pass(600, 3), ElementsAre(HasSubstr("node b (rank 2) is back")));  // any rank of it
    EXPECT_THAT(node.pass(700, -1), ElementsAre(HasSubstr("for 30 s")));
}

TEST(NodeWatch, NobodyIsSilentWhileThisProcessStandsStill) {
    Watched node(30);
    EXPECT_THAT(node.pass(20, 2), IsEmpty());
    node.skip(3600);
    EXPECT_THAT(node.pass(3600 + 40, -1), IsEmpty());
    EXPECT_THAT(node.pass(3600 + 60, -1), ElementsAre(HasSubstr("for 30 s")));
}

TEST(NodeWatch, WhoSpeaksRightAfterSuchAPauseIsMissedAsSoonAsOthers) {
    Watched node(30);
    EXPECT_THAT(node.pass(20, 2), IsEmpty());
    node.skip(3600);
    node.hear(2);
    EXPECT_THAT(node.pass(3620 + 28, -1), IsEmpty());
    EXPECT_THAT(node.pass(3620 + 40, -1), ElementsAre(HasSubstr("for 30 s")));
}

TEST(NodeWatch, TheOwnNodeIsNotWatchedAndWithoutALimitNobodyIs) {
    Watched node(0);
    EXPECT_THAT(node.pass(5000, -1), IsEmpty());
    EXPECT_EQ(NodeWatch::pulse_ns(0), UINT64_MAX);
    EXPECT_EQ(NodeWatch::pulse_ns(2 * second), second / 2);
    EXPECT_EQ(NodeWatch::pulse_ns(100 * second), 5 * second);
}

}  // namespace
}  // namespace plenum::pool
