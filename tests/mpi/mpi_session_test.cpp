// The session over MPI: who is where, memory that a node shares, errors of MPI as exceptions.
#include "mpi/mpi_session.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <plenum/error.hpp>
#include <set>
#include <string>

#include "base/memory_limits.hpp"
#include "mpi/mpi_error.hpp"
#include "mpi/mpi_main.hpp"

namespace plenum::mpi {
namespace {

using testing::HasSubstr;

comm::Topology const& topology() {
    return test::session().topology();
}
comm::Transport& transport() {
    return test::session().transport();
}

TEST(MpiSession, KnowsItsRanks) {
    EXPECT_TRUE(launched_as_rank());
    EXPECT_EQ(launched_rank(), topology().rank);
    EXPECT_EQ(topology().rank, transport().rank());
    EXPECT_EQ(topology().ranks, transport().ranks());
    EXPECT_EQ(topology().hosts.size(), static_cast<std::size_t>(topology().ranks));
    for (auto const& host : topology().hosts) EXPECT_FALSE(host.empty());
    EXPECT_THAT(test::session().mpi_version(), Not(testing::IsEmpty()));
}

TEST(MpiSession, NumbersNodesByTheirLowestRank) {
    auto const& known = topology();
    ASSERT_EQ(known.leaders.size(), static_cast<std::size_t>(known.nodes));
    ASSERT_EQ(known.node_of.size(), static_cast<std::size_t>(known.ranks));
    EXPECT_EQ(known.node_of[static_cast<std::size_t>(known.rank)], known.node);
    EXPECT_EQ(known.ranks_on(known.node), known.node_ranks);
    EXPECT_EQ(known.leads(), known.leader() == known.rank);
    EXPECT_TRUE(std::is_sorted(known.leaders.begin(), known.leaders.end()));
    int before_me = 0, ranks = 0;
    for (int rank = 0; rank < known.rank; ++rank)
        before_me += known.node_of[static_cast<std::size_t>(rank)] == known.node;
    EXPECT_EQ(known.node_rank, before_me);
    for (int node = 0; node < known.nodes; ++node) {
        ranks += known.ranks_on(node);
        auto const leader = known.leaders[static_cast<std::size_t>(node)];
        for (int rank = 0; rank < leader; ++rank)
            EXPECT_NE(known.node_of[static_cast<std::size_t>(rank)], node);
    }
    EXPECT_EQ(ranks, known.ranks);
}

TEST(MpiSession, TellsNodesApart) {
    auto const* const name = std::getenv("PLENUM_EMULATED_NODE");
    auto const names = transport().exchange(name != nullptr ? name : "");
    EXPECT_EQ(static_cast<std::size_t>(topology().nodes), std::set(names.begin(), names.end()).size());
    for (std::size_t a = 0; a < names.size(); ++a)
        for (std::size_t b = 0; b < names.size(); ++b)
            EXPECT_EQ(names[a] == names[b], topology().node_of[a] == topology().node_of[b])
                << a << " and " << b;
}

class NodeMemory : public testing::Test {
protected:
    static constexpr std::size_t two_gibibytes = std::size_t{1} << 31;

    /// Once per session: all tests share it.
    static comm::NodeMemory memory() {
        static comm::NodeMemory const reserved = [] {
            // Open MPI asks for all of it at once in the directory behind the window, on each emulated node.
            auto const free = base::read_memory_limits(test::session().backing_directory()).backing_free;
            bool const room = free / 4 > two_gibibytes;
            bool everywhere = true;
            for (auto const& text : transport().exchange(room ? "y" : "n"))
                everywhere = everywhere && text == "y";
            return test::session().reserve_node_memory((everywhere ? two_gibibytes : 0) +
                                                       (std::size_t{16} << 20));
        }();
        return reserved;
    }
    /// Every rank of the node has a word of its own from here on.
    static void expect_shared(std::size_t offset) {
        auto* const words = reinterpret_cast<std::uint64_t*>(memory().base + offset);
        auto const word_of = [](int node, int node_rank) {
            return 1000 * static_cast<std::uint64_t>(node) + static_cast<std::uint64_t>(node_rank) + 1;
        };
        for (int i = 0; i < topology().node_ranks; ++i) EXPECT_EQ(words[i], 0u) << "not zeroed";
        transport().barrier();
        words[topology().node_rank] = word_of(topology().node, topology().node_rank);
        transport().barrier();
        for (int i = 0; i < topology().node_ranks; ++i)
            EXPECT_EQ(words[i], word_of(topology().node, i)) << "of rank " << i << " of the node";
        transport().barrier();
    }
};

/// Before the memory is reserved. Only where the node has one rank: Open MPI reports a window that is too
/// large to the first rank of the node alone while the others wait for ever, so the engine asks for the free
/// space before.
TEST_F(NodeMemory, ThatCannotBeHadNamesTheOption) {
    if (topology().node_ranks > 1) GTEST_SKIP() << "needs a node with one rank";
    try {
        auto const memory = test::session().reserve_node_memory(std::size_t{1} << 60);
        ADD_FAILURE() << "got " << memory.bytes << " bytes";
    } catch (EnvironmentError const& error) {
        EXPECT_THAT(error.what(), HasSubstr("--node-memory"));
    }
}

/// The handler of the communicator is not inherited by its windows.
TEST(MpiErrors, OfWindowsAreExceptionsToo) {
    MPI_Comm alone = MPI_COMM_NULL;
    MPI_Comm_dup(MPI_COMM_SELF, &alone);
    void* base = nullptr;
    MPI_Win window = MPI_WIN_NULL;
    check("MPI_Win_allocate_shared",
          MPI_Win_allocate_shared(4096, 1, MPI_INFO_NULL, alone, static_cast<void*>(&base), &window));
    check("MPI_Win_set_errhandler", MPI_Win_set_errhandler(window, MPI_ERRORS_RETURN));
    try {
        check("MPI_Win_lock", MPI_Win_lock(MPI_LOCK_SHARED, 5, 0, window));
        ADD_FAILURE() << "there is no such rank";
    } catch (MpiError const& error) {
        EXPECT_STREQ(error.call(), "MPI_Win_lock");
        EXPECT_THAT(error.what(), HasSubstr("MPI_Win_lock failed (MPI_ERR_"));
    }
    MPI_Win_free(&window);
    MPI_Comm_free(&alone);
}

TEST_F(NodeMemory, StartsAtAPage) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory().base) % 4096, 0u);
}

TEST_F(NodeMemory, IsSeenByAllRanksOfTheNode) {
    expect_shared(0);
    expect_shared(memory().bytes - 4096);
}

TEST_F(NodeMemory, GoesBeyondTwoGibibytes) {
    if (memory().bytes < two_gibibytes) GTEST_SKIP() << "too little room for shared memory on this machine";
    expect_shared(two_gibibytes - 4096);
    expect_shared(two_gibibytes + 4096);
    EXPECT_EQ(reinterpret_cast<std::uint64_t*>(memory().base)[512 + 0], 0u)
        << "an offset has lost its upper bits";
}

TEST_F(NodeMemory, IsSharedWithForkedChildren) {
    auto* const words = reinterpret_cast<std::uint64_t*>(memory().base + 65536);
    auto const child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        words[topology().node_rank] = 7 + static_cast<std::uint64_t>(topology().node_rank);
        ::_exit(0);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    transport().barrier();
    for (int i = 0; i < topology().node_ranks; ++i) EXPECT_EQ(words[i], 7 + static_cast<std::uint64_t>(i));
    transport().barrier();
}

}  // namespace
}  // namespace plenum::mpi
