// The session of one process without MPI: the transport contract, node memory, facts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <plenum/error.hpp>

#include "comm/session.hpp"
#include "comm/shared_mapping.hpp"
#include "comm/transport_contract.hpp"

namespace plenum::comm {
namespace {

Transport& solo_transport() {
    static auto const session = make_solo_session();
    return session->transport();
}

using test::TransportContract;

INSTANTIATE_TEST_SUITE_P(Solo, TransportContract,
                         testing::Values(test::TransportUnderTest{"solo", &solo_transport, 1000}));

TEST(SoloSession, IsOneRankOnOneNode) {
    auto const session = make_solo_session();
    auto const& topology = session->topology();
    EXPECT_EQ(topology.ranks, 1);
    EXPECT_EQ(topology.nodes, 1);
    EXPECT_TRUE(topology.leads());
    EXPECT_EQ(topology.leader(), 0);
    EXPECT_EQ(topology.ranks_on(0), 1);
    ASSERT_EQ(topology.hosts.size(), 1u);
    EXPECT_FALSE(topology.hosts[0].empty());
    EXPECT_EQ(session->mpi_version(), "none");
    session->close({});
}

TEST(SoloSession, SharesMoreThanTwoGibibytesWithForkedChildren) {
    auto const session = make_solo_session();
    auto const memory = session->reserve_node_memory((std::size_t{1} << 31) + (std::size_t{64} << 20));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.base) % 4096, 0u);
    auto* const far = memory.base + (std::size_t{1} << 31) + 4096;
    EXPECT_EQ(*far, std::byte{0});
    EXPECT_EQ(memory.base[memory.bytes - 1], std::byte{0});
    auto const child = ::fork();
    if (child == 0) {
        *far = std::byte{7};
        ::_exit(0);
    }
    ::waitpid(child, nullptr, 0);
    EXPECT_EQ(*far, std::byte{7});
}

TEST(SharedMapping, NamesTheOptionWhenTheAddressSpaceHasNoRoom) {
    try {
        SharedMapping const mapping(std::size_t{1} << 60);
        FAIL() << "so much cannot be mapped";
    } catch (EnvironmentError const& error) {
        EXPECT_THAT(error.what(), testing::HasSubstr("--node-memory"));
    }
}

TEST(SharedMapping, MovesItsMemory) {
    SharedMapping first(4096);
    auto* const base = first.base();
    SharedMapping second(std::move(first));
    EXPECT_EQ(second.base(), base);
    SharedMapping third;
    third = std::move(second);
    EXPECT_EQ(third.base(), base);
    EXPECT_EQ(third.bytes(), 4096u);
}

}  // namespace
}  // namespace plenum::comm
