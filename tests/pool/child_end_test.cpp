#include "pool/child_end.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace plenum::pool {
namespace {

std::string file_of(std::string const& groups) {
    std::istringstream lines(groups);
    return file_of_oom_kills(lines);
}

TEST(OomKills, AreCountedInTheGroupThatHasTheMemoryController) {
    EXPECT_EQ(file_of("9:name=systemd:/\n4:memory:/slurm/uid_0/job_3\n3:cpuset:/\n"),
              "/sys/fs/cgroup/memory/slurm/uid_0/job_3/memory.oom_control")
        << "version 1";
    EXPECT_EQ(file_of("0::/system.slice/slurmstepd.scope/job_3/step_0/user/task_0\n"),
              "/sys/fs/cgroup/system.slice/slurmstepd.scope/job_3/step_0/user/task_0/memory.events")
        << "version 2";
    EXPECT_EQ(file_of("0::/\n4:memory:/job:3\n"), "/sys/fs/cgroup/memory/job:3/memory.oom_control") << "both";
    EXPECT_EQ(file_of("4:memory:/job\n0::/\n"), "/sys/fs/cgroup/memory/job/memory.oom_control")
        << "both, in the other order";
    EXPECT_EQ(file_of("3:cpu,cpuacct:/job\n"), "") << "no memory controller";
    EXPECT_EQ(file_of("nonsense\n\n"), "");
}

}  // namespace
}  // namespace plenum::pool
