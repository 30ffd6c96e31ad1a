// What the machine says about itself: memory limits and cores; making memory present; thread counts of
// libraries.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <functional>
#include <thread>

#include "base/cores.hpp"
#include "base/memory_limits.hpp"
#include "base/unique_fd.hpp"

namespace plenum::base {
namespace {

using testing::HasSubstr;

/// Runs `call` in a process of its own: its exit code, or minus the signal that killed it.
int in_child(std::function<int()> const& call) {
    auto const child = ::fork();
    if (child == 0) {
        rlimit const none{0, 0};
        ::setrlimit(RLIMIT_CORE, &none);
        ::_exit(call());
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST(MemoryLimits, ArePlausible) {
    auto const limits = read_memory_limits("/");
    auto const installed = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                           static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    EXPECT_GT(limits.available, 1u << 20);
    EXPECT_LE(limits.available, installed);
    EXPECT_GT(limits.backing_free, 0u);
    EXPECT_LT(limits.backing_free, UINT64_MAX);
    EXPECT_EQ(limits.least(), std::min({limits.available, limits.cgroup_headroom, limits.backing_free}));
}

TEST(MemoryLimits, HaveNoBackingForAnonymousMemory) {
    auto const limits = read_memory_limits("");
    EXPECT_EQ(limits.backing_free, UINT64_MAX);
    EXPECT_THAT(limits.describe(), Not(HasSubstr(" in ")));
}

TEST(MemoryLimits, AreNamedWithTheirNumbers) {
    MemoryLimits const limits{.available = std::uint64_t{10} << 30,
                              .cgroup_headroom = std::uint64_t{4} << 30,
                              .backing_free = std::uint64_t{12} << 30,
                              .backing_directory = "/dev/shm"};
    EXPECT_EQ(limits.least(), std::uint64_t{4} << 30);
    for (auto const* const part : {"10.0 GiB", "4.0 GiB", "12.0 GiB", "/dev/shm"})
        EXPECT_THAT(limits.describe(), HasSubstr(part));
}

TEST(Populate, MakesPagesPresentAndKeepsWhatIsThere) {
    constexpr std::size_t bytes = 64 * 4096;
    auto* const memory =
        static_cast<char*>(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    ASSERT_NE(memory, MAP_FAILED);
    memory[5000] = 'x';
    EXPECT_EQ(populate(memory, bytes), 0);
    EXPECT_EQ(memory[5000], 'x');
    std::array<unsigned char, 64> present{};
    ASSERT_EQ(::mincore(memory, bytes, present.data()), 0);
    for (auto const page : present) EXPECT_EQ(page & 1, 1);
    ::munmap(memory, bytes);
}

/// Pages behind the end of a file are like those of a full tmpfs: touching one is a SIGBUS.
TEST(Populate, ReportsMissingMemoryInsteadOfSigbus) {
    UniqueFd const file(::memfd_create("plenum-test", MFD_CLOEXEC));
    ASSERT_TRUE(file);
    ASSERT_EQ(::ftruncate(file.get(), 4096), 0);
    constexpr std::size_t bytes = 16 * 4096;
    auto* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
    ASSERT_NE(memory, MAP_FAILED);
    int const touching = in_child([memory] {
        static_cast<char volatile*>(memory)[8 * 4096] = 1;
        return 0;
    });
    EXPECT_NE(touching, 0) << "touching was expected to be fatal";
    EXPECT_EQ(in_child([memory] { return populate(memory, bytes); }), ENOMEM);
    EXPECT_EQ(in_child([memory] { return populate(memory, 4096); }), 0);
    ::munmap(memory, bytes);
}

TEST(Populate, ReportsMemoryThatIsReadOnly) {
    auto* const memory = ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    EXPECT_GT(in_child([memory] { return populate(memory, 4096); }), 0);
    ::munmap(memory, 4096);
}

TEST(Cores, AreThoseThisProcessMayUse) {
    auto const report = report_cores();
    EXPECT_GE(report.node_cores, 1);
    EXPECT_GE(report.count, 1);
    EXPECT_LE(report.count, report.node_cores);
    EXPECT_FALSE(report.cores.empty());
    cpu_set_t allowed;
    ASSERT_EQ(::sched_getaffinity(0, sizeof allowed, &allowed), 0);
    EXPECT_LE(report.count, CPU_COUNT(&allowed));
}

TEST(Cores, FollowABindingToOneCore) {
    cpu_set_t allowed, one;
    ASSERT_EQ(::sched_getaffinity(0, sizeof allowed, &allowed), 0);
    int cpu = 0;
    while (!CPU_ISSET(cpu, &allowed)) ++cpu;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    EXPECT_EQ(in_child([&one] {
                  if (::sched_setaffinity(0, sizeof one, &one) != 0) return 100;
                  return report_cores().count;
              }),
              1);
}

TEST(LibraryThreads, AreSetOnlyWhereTheUserDidNot) {
    EXPECT_EQ(in_child([] {
                  ::unsetenv("OPENBLAS_NUM_THREADS");
                  ::setenv("OMP_NUM_THREADS", "3", 1);
                  int const most = library_threads(2);
                  limit_library_threads(2);
                  bool const kept = std::string_view(std::getenv("OMP_NUM_THREADS")) == "3";
                  bool const set = std::string_view(std::getenv("OPENBLAS_NUM_THREADS")) == "2";
                  return kept && set ? most : 100;
              }),
              3);
}

TEST(LibraryThreads, AreSetOverTheUsersWhenAsked) {
    EXPECT_EQ(in_child([] {
                  ::setenv("OMP_NUM_THREADS", "3", 1);
                  limit_library_threads(2, true);
                  return std::string_view(std::getenv("OMP_NUM_THREADS")) == "2" ? 0 : 100;
              }),
              0);
}

}  // namespace
}  // namespace plenum::base
