// A body with tasks that fail in each way, for variables.py. Prints of each the task, the last attempt and
// why.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <plenum/plenum.hpp>
#include <stdexcept>
#include <thread>

int main(int argc, char** argv) {
    return plenum::run(argc, argv, [](plenum::Pool& pool) {
        auto const results = pool.map(
            [](std::uint64_t task) {
                if (task == 1) throw std::runtime_error("thrown on purpose");
                if (task == 2) std::abort();
                if (task == 3 && std::getenv("PLENUM_TASK_TIMEOUT") != nullptr)
                    std::this_thread::sleep_for(std::chrono::seconds(60));
                return task;
            },
            plenum::indices(4), {.on_failure = plenum::OnFailure::collect});
        for (auto const& failure : results.failures())
            std::printf("%d %d %s\n", static_cast<int>(failure.task), failure.attempt,
                        plenum::name_of(failure.cause));
    });
}
