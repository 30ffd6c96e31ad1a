// main of test programs under mpirun: all ranks run all tests, the exit code is the highest of all ranks.
#include "mpi/mpi_main.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>

#include "mpi/mpi_session.hpp"

namespace plenum::mpi::test {
namespace {

std::unique_ptr<comm::Session> open_session;

/// Rank 0 prints as usual; of the others only failures are seen, each with its rank.
class FailuresWithRank : public testing::EmptyTestEventListener {
public:
    explicit FailuresWithRank(int rank) : rank_(rank) {}
    void OnTestStart(testing::TestInfo const& test) override {
        // Noted here: GoogleTest holds its lock when a result comes.
        test_ = fmt::format("{}.{}", test.test_suite_name(), test.name());
    }
    void OnTestPartResult(testing::TestPartResult const& result) override {
        if (!result.failed()) return;
        auto const* const file = result.file_name() != nullptr ? result.file_name() : "-";
        auto const text = fmt::format("rank {}: {} failed at {}:{}: {}\n", rank_, test_, file,
                                      result.line_number(), result.message());
        std::fputs(text.c_str(), stderr);
    }

private:
    int rank_;
    std::string test_ = "outside of tests";
};

int run(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    auto const rank = open_session->topology().rank;
    auto& listeners = testing::UnitTest::GetInstance()->listeners();
    if (rank != 0) {
        delete listeners.Release(listeners.default_result_printer());
        listeners.Append(new FailuresWithRank(rank));
    }
    int const mine = RUN_ALL_TESTS();
    int worst = 0;
    for (auto const& code : open_session->transport().exchange(std::to_string(mine)))
        worst = std::max(worst, std::stoi(code));
    return worst;
}

}  // namespace

comm::Session& session() noexcept {
    return *open_session;
}

}  // namespace plenum::mpi::test

int main(int argc, char** argv) {
    using namespace plenum::mpi;
    try {
        test::open_session = make_mpi_session();
        int const code = test::run(argc, argv);
        test::open_session->close({});
        return code;
    } catch (std::exception const& error) {
        // Outside of any test: the other ranks would wait for this one.
        std::fprintf(stderr, "rank %d: %s\n", launched_rank(), error.what());
        if (test::open_session) test::open_session->abort(1);
        return 1;
    }
}
