// The transport over MPI: the contract, whole payloads and cut ones, and what it refuses.
#include "mpi/mpi_transport.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <plenum/error.hpp>

#include "comm/transport_contract.hpp"
#include "mpi/mpi_error.hpp"
#include "mpi/mpi_main.hpp"

namespace plenum::comm::test {
namespace {

/// A communicator of its own, so that nothing meets the session's messages. Lives until MPI ends.
MPI_Comm duplicate() {
    MPI_Comm copy = MPI_COMM_NULL;
    MPI_Comm_dup(MPI_COMM_WORLD, &copy);
    MPI_Comm_set_errhandler(copy, MPI_ERRORS_RETURN);
    return copy;
}

constexpr std::size_t small_piece = 1000;

Transport& cut_transport() {
    static mpi::MpiTransport transport(duplicate(), small_piece);
    return transport;
}

INSTANTIATE_TEST_SUITE_P(Mpi, TransportContract,
                         testing::Values(TransportUnderTest{"session",
                                                            []() -> Transport& {
                                                                return mpi::test::session().transport();
                                                            },
                                                            100'000},
                                         TransportUnderTest{"cut", &cut_transport, small_piece}),
                         [](auto const& entry) { return std::string(entry.param.name); });

}  // namespace
}  // namespace plenum::comm::test

namespace plenum::mpi {
namespace {

using testing::HasSubstr;

TEST(MpiTransport, NamesTheCallThatFailed) {
    MPI_Comm communicator = comm::test::duplicate();
    MpiTransport transport(communicator);
    try {
        transport.send(transport.ranks(), wire::Stop{});
        ADD_FAILURE() << "there is no such rank";
    } catch (MpiError const& error) {
        EXPECT_STREQ(error.call(), "MPI_Isend");
        EXPECT_NE(error.code(), MPI_SUCCESS);
        EXPECT_THAT(error.what(), HasSubstr("MPI_Isend failed (MPI_ERR_RANK"));
        EXPECT_EQ(error.exit_code(), ExitCode::environment);
    }
}

/// The last rank sends bytes that are no message; rank 0 has to refuse them.
class Garbage : public testing::Test {
protected:
    void expect_refused(void const* head, int bytes, char const* why) {
        if (transport_.ranks() == 1) GTEST_SKIP() << "needs two ranks";
        constexpr int tag_of_heads = 1;
        if (transport_.rank() == transport_.ranks() - 1) {
            ASSERT_EQ(MPI_Send(head, bytes, MPI_BYTE, 0, tag_of_heads, communicator_), MPI_SUCCESS);
        }
        if (transport_.rank() == 0) {
            std::string message;
            for (auto const end = base::now_ns() + 30'000'000'000u;
                 message.empty() && base::now_ns() < end;) {
                try {
                    EXPECT_FALSE(transport_.receive().has_value());
                } catch (EnvironmentError const& error) {
                    message = error.what();
                }
            }
            EXPECT_THAT(message, HasSubstr(why));
            EXPECT_THAT(message, HasSubstr("all ranks must run the same plenum"));
        }
        transport_.barrier();
    }

    MPI_Comm communicator_ = comm::test::duplicate();
    MpiTransport transport_{communicator_};
};

TEST_F(Garbage, IsRefusedWhenItIsTooShort) {
    expect_refused("abc", 3, "too short");
}

TEST_F(Garbage, IsRefusedWhenItsKindIsUnknown) {
    std::array<std::byte, 24> head{};
    head[0] = std::byte{200};
    expect_refused(head.data(), static_cast<int>(head.size()), "unknown kind 200");
}

}  // namespace
}  // namespace plenum::mpi
