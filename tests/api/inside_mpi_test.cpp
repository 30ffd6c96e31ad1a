// plenum::run in a program that has started MPI itself, again and again, on all of its ranks and on some; the
// program's own MPI goes on. Collective tests: every rank runs all of them.
#include <gtest/gtest.h>
#include <mpi.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <plenum/plenum.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace plenum::api_test {
namespace {

int rank_in(MPI_Comm communicator) {
    int rank = -1;
    MPI_Comm_rank(communicator, &rank);
    return rank;
}

int ranks_in(MPI_Comm communicator) {
    int size = -1;
    MPI_Comm_size(communicator, &size);
    return size;
}

int sum_over(MPI_Comm communicator, int value) {
    int sum = 0;
    MPI_Allreduce(&value, &sum, 1, MPI_INT, MPI_SUM, communicator);
    return sum;
}

/// What a run could leave behind in this process or, with files that this process maps, on the machine.
struct Traces {
    std::size_t shared_mappings = 0, descriptors = 0;
    std::string children;
    std::vector<void (*)(int)> actions;
    MPI_Errhandler handler = MPI_ERRHANDLER_NULL;
};

Traces traces() {
    namespace fs = std::filesystem;
    Traces found;
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);)
        found.shared_mappings += line.find(" rw-s ") != std::string::npos ? 1 : 0;
    for ([[maybe_unused]] auto const& entry : fs::directory_iterator("/proc/self/fd")) ++found.descriptors;
    for (auto const& task : fs::directory_iterator("/proc/self/task")) {
        std::ifstream children(task.path() / "children");
        std::string pids;
        std::getline(children, pids);
        found.children += pids;
    }
    for (int const signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD, SIGSEGV}) {
        struct sigaction action {};
        ::sigaction(signal, nullptr, &action);
        found.actions.push_back(action.sa_handler);
    }
    MPI_Comm_get_errhandler(MPI_COMM_WORLD, &found.handler);
    return found;
}

/// Files behind windows that this process has made.
std::size_t window_files() {
    std::size_t count = 0;
    auto const mine = "." + std::to_string(::getpid());
    for (auto const& entry : std::filesystem::directory_iterator("/dev/shm")) {
        auto const name = entry.path().filename().string();
        count += name.starts_with("osc_sm.") && name.ends_with(mine) ? 1 : 0;
    }
    return count;
}

/// One run over the communicator; its code, after the results were compared.
int run_squares(MPI_Comm communicator, std::uint64_t offset) {
    int const ranks = ranks_in(communicator);
    bool right = false;
    int const code = run(communicator, [&](Pool& pool) {
        auto const table = pool.share(std::vector<std::uint64_t>(1000, offset));
        auto const results =
            pool.map([table = table.ref()](std::uint64_t i) { return i * i + table[i]; }, indices(1000));
        right = pool.ranks() == ranks;
        for (std::uint64_t i = 0; i < 1000; ++i) right = right && results[i] == i * i + offset;
        return 40 + pool.ranks();
    });
    EXPECT_EQ(right, rank_in(communicator) == 0);
    return code;
}

TEST(InsideMpi, RunsAgainAndAgainAndLeavesNothingBehind) {
    run_squares(MPI_COMM_WORLD, 0);  // what MPI opens at its first use stays open
    MPI_Barrier(MPI_COMM_WORLD);
    auto const before = traces();
    std::size_t during = 0;
    EXPECT_EQ(run(MPI_COMM_WORLD, [&](Pool&) { during = traces().shared_mappings; }), 0);
    if (rank_in(MPI_COMM_WORLD) == 0) {
        EXPECT_GT(during, before.shared_mappings) << "node memory is not seen";
    }
    for (std::uint64_t round = 1; round < 4; ++round) {
        EXPECT_EQ(run_squares(MPI_COMM_WORLD, round), 40 + ranks_in(MPI_COMM_WORLD));
        MPI_Barrier(MPI_COMM_WORLD);
        auto const after = traces();
        EXPECT_EQ(window_files(), 0u);
        EXPECT_EQ(after.shared_mappings, before.shared_mappings);
        EXPECT_EQ(after.descriptors, before.descriptors);
        EXPECT_EQ(after.children, "");
        EXPECT_EQ(after.actions, before.actions);
        EXPECT_EQ(after.handler, before.handler);
        EXPECT_EQ(sum_over(MPI_COMM_WORLD, 1), ranks_in(MPI_COMM_WORLD));
    }
    EXPECT_EQ(before.actions[3], SIG_DFL) << "SIGPIPE is ignored during the run only";
    EXPECT_EQ(before.handler, MPI_ERRORS_ARE_FATAL);
}

TEST(InsideMpi, RunsOnSomeRanksWhileTheOthersGoOn) {
    bool const takes_part = rank_in(MPI_COMM_WORLD) % 2 == ranks_in(MPI_COMM_WORLD) / 2 % 2;
    MPI_Comm half = MPI_COMM_NULL;
    MPI_Comm_split(MPI_COMM_WORLD, takes_part ? 1 : 0, -rank_in(MPI_COMM_WORLD), &half);
    if (takes_part) {
        EXPECT_EQ(run_squares(half, 5), 40 + ranks_in(half));
        EXPECT_EQ(run_squares(half, 6), 40 + ranks_in(half));
    } else {
        for (int round = 0; round < 1000; ++round) ASSERT_EQ(sum_over(half, round), round * ranks_in(half));
    }
    EXPECT_EQ(sum_over(half, 2), 2 * ranks_in(half));
    EXPECT_EQ(sum_over(MPI_COMM_WORLD, 3), 3 * ranks_in(MPI_COMM_WORLD));
    MPI_Comm_free(&half);
}

TEST(InsideMpi, RunsOnEachRankAlone) {
    EXPECT_EQ(run_squares(MPI_COMM_SELF, static_cast<std::uint64_t>(rank_in(MPI_COMM_WORLD))), 41);
    EXPECT_EQ(sum_over(MPI_COMM_WORLD, 1), ranks_in(MPI_COMM_WORLD));
}

TEST(InsideMpi, AnErrorOfTheBodyIsTheCodeOfEveryRank) {
    EXPECT_EQ(run(MPI_COMM_WORLD, [](Pool&) { throw UsageError("the test expects this"); }), 2);
    auto const fails = [](std::uint64_t i) -> int {
        throw std::runtime_error("expected " + std::to_string(i));
    };
    EXPECT_EQ(run(MPI_COMM_WORLD, [&](Pool& pool) { (void)pool.map(fails, indices(3)); }), 4);
    EXPECT_EQ(sum_over(MPI_COMM_WORLD, 1), ranks_in(MPI_COMM_WORLD));
}

TEST(InsideMpi, WrongHandlesAndSettingsAreRefusedBeforeAnythingHappens) {
    auto const body = [](Pool&) {};
    EXPECT_THROW(run(MPI_COMM_NULL, body), UsageError);
    EXPECT_THROW(run('c', body), UsageError);
    EXPECT_THROW(run(MPI_COMM_WORLD, body, {.schedule = "no such schedule"}), UsageError);
    EXPECT_EQ(sum_over(MPI_COMM_WORLD, 1), ranks_in(MPI_COMM_WORLD));
}

/// What a program is told that calls too early, with too few threads, or too late.
int run_out_of_place(int argc, char** argv) {
    auto const refused_with = [](std::string_view words) {
        try {
            (void)run(MPI_COMM_WORLD, [](Pool&) {});
        } catch (UsageError const& error) {
            return std::string_view(error.what()).find(words) != std::string_view::npos;
        }
        return false;
    };
    bool right = refused_with("MPI is not started");
    int provided = 0;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_SINGLE, &provided);
    if (provided == MPI_THREAD_SINGLE) right = refused_with("MPI_THREAD_FUNNELED") && right;
    MPI_Finalize();
    return refused_with("MPI has ended") && right ? 0 : 1;
}

}  // namespace
}  // namespace plenum::api_test

int main(int argc, char** argv) {
    if (argc > 1 && std::string_view(argv[1]) == "out_of_place")
        return plenum::api_test::run_out_of_place(argc, argv);
    testing::InitGoogleTest(&argc, argv);
    int provided = 0;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
    int const mine = RUN_ALL_TESTS();
    int worst = 0;
    MPI_Allreduce(&mine, &worst, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    MPI_Finalize();
    return worst;
}
