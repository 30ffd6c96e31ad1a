// For the tests of runs that are cut short: a run's file, and processes that die while they write it.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <string>

#include "hdf5/file_tools.hpp"
#include "io/temporary_folder.hpp"

namespace plenum::hdf5 {

class Resume : public ::testing::Test {
protected:
    ResultFileOptions options() {
        return {.path = path_,
                .identity = {.job = "j", .options = {{"size", "3", true}}, .seed = 1, .build = "b"},
                .commit_seconds = 0,
                .say = [this](std::string const& line) { said_ += line + "\n"; }};
    }
    std::unique_ptr<io::ResultSink> create() { return create_result_file(options()); }

    /// Runs `work` in a process that then dies on the spot.
    static void die_after(std::function<void()> const& work) {
        auto const child = ::fork();
        if (child == 0) {
            try {
                work();
            } catch (std::exception const& error) {
                std::fputs(error.what(), stderr);
                ::_exit(1);
            }
            ::_exit(::testing::Test::HasFailure() ? 1 : 0);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        ASSERT_EQ(status, 0);
    }

    io::MapSpec const fixed_{.name = "m", .tasks = 6, .shape = {2}};
    io::MapSpec const ragged_{.name = "r", .tasks = 3, .fixed = false};
    test::TemporaryFolder folder_;
    std::string path_ = folder_.file("out.h5");
    std::string said_;
};

}  // namespace plenum::hdf5
