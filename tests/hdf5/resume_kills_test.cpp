// A run that is killed at any moment, again and again, ends in the same file as one that was left alone.
#include <gmock/gmock.h>

#include <csignal>
#include <random>

#include "hdf5/resume_tools.hpp"

namespace plenum::hdf5 {
namespace {

/// A run that does a bit of everything and goes on wherever it was.
void whole_run(ResultFileOptions const& options) {
    auto const sink = create_result_file(options);
    auto const value = [](std::uint64_t task, std::uint64_t i) {
        return static_cast<double>(1000 * task + i);
    };
    for (int m = 0; m < 3; ++m) {
        io::MapSpec const spec{.name = "fixed" + std::to_string(m), .tasks = 40, .shape = {5}};
        auto const map = sink->begin_map(spec);
        std::vector<bool> done(spec.tasks);
        for (auto const task : done_of(*sink, map)) done[task] = true;
        for (std::uint64_t task = 0; task < spec.tasks; ++task) {
            if (done[task]) continue;
            std::vector<double> values;
            for (std::uint64_t i = 0; i < 5; ++i) values.push_back(value(task, i));
            sink->put_fixed(map, task, 1, bytes(values));
            if (task % 3 == 0) (void)sink->commit_if_due();
        }
        sink->end_map(map);
        io::MapSpec const lists{.name = "ragged" + std::to_string(m), .tasks = 20, .fixed = false};
        auto const ragged = sink->begin_map(lists);
        done.assign(lists.tasks, false);
        for (auto const task : done_of(*sink, ragged)) done[task] = true;
        for (std::uint64_t task = 0; task < lists.tasks; ++task) {
            if (done[task]) continue;
            std::vector<double> values(task % 7, value(task, 0));
            sink->put_ragged(ragged, task, std::vector<std::uint64_t>{values.size()}, bytes(values));
            if (task % 3 == 0) (void)sink->commit_if_due();
        }
        std::vector<double> const array(100, m);
        sink->write_array("arrays/a" + std::to_string(m), ElementType::f64, {100}, bytes(array), {});
    }
    sink->publish({});
}

TEST_F(Resume, KillsAtAnyMomentLoseNothingThatWasCommitted) {
    auto const deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    auto const reference = folder_.file("reference.h5");
    auto plain = options();
    plain.path = reference;
    auto const start = std::chrono::steady_clock::now();
    whole_run(plain);
    auto const usual = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::mt19937_64 random(std::random_device{}());
    int kills = 0, runs = 0;
    while (runs < 40 && std::chrono::steady_clock::now() < deadline) {
        for (auto const* const name : {"", ".partial", ".journal", ".lock"})
            std::filesystem::remove(path_ + name);
        auto how = options();
        how.gzip = runs % 2 == 0 ? 0 : 4;
        how.pack_threads = 1 + runs % 3;
        for (;; ++kills) {
            auto const child = ::fork();
            if (child == 0) {
                try {
                    whole_run(how);
                    ::_exit(0);
                } catch (std::exception const& error) {
                    std::fprintf(stderr, "%s\n", error.what());
                    ::_exit(1);
                }
            }
            auto const pause = std::uniform_real_distribution<double>(0, 1.1 * usual)(random);
            ::usleep(static_cast<useconds_t>(pause * 1e6));
            ::kill(child, SIGKILL);
            int status = 0;
            ::waitpid(child, &status, 0);
            ASSERT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0) << "after " << kills << " kills";
            if (!WIFSIGNALED(status) || std::filesystem::exists(path_)) break;
        }
        ++runs;
        for (int m = 0; m < 3; ++m) {
            auto const name = std::to_string(m);
            for (auto const& dataset :
                 {"results/fixed" + name, "results/ragged" + name + "/values", "arrays/a" + name})
                ASSERT_EQ(load<double>(path_, dataset), load<double>(reference, dataset)) << dataset;
            ASSERT_EQ(load<std::uint64_t>(path_, "results/ragged" + name + "/offsets"),
                      load<std::uint64_t>(reference, "results/ragged" + name + "/offsets"));
            ASSERT_THAT(load<int>(path_, "tasks/fixed" + name + "/status"), ::testing::Each(0));
        }
    }
    EXPECT_GT(kills, 0);
    RecordProperty("kills", kills);
}

}  // namespace
}  // namespace plenum::hdf5
