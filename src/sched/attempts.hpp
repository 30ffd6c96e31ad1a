// Which failed tasks run again: a count of the failed attempts of those that do. No clock, no I/O.
#pragma once

#include <cstdint>
#include <map>
#include <plenum/error.hpp>

namespace plenum::sched {

/// How often a task may fail for each cause and still run again. Causes count by themselves.
struct Retries {
    std::uint32_t exception = 0, crash = 0, timeout = 0, out_of_memory = 0;
    friend bool operator==(Retries const&, Retries const&) = default;
};

/// Of one batch. Memory: O(tasks that have failed and are not final yet).
class Attempts {
public:
    struct Verdict {
        int attempt = 1;           ///< number of the attempt that failed, from 1
        bool again = false;        ///< the task runs again
        bool quarantined = false;  ///< it has crashed `crash_limit` executors: it never does
    };
    /// The task failed once more. Unless it runs again it is forgotten.
    Verdict failed(std::uint64_t task, FailureCause cause, Retries const& retries, std::uint32_t crash_limit);
    /// An attempt with that number has failed in an earlier process of the run. `counts`: the task was to run
    /// again then; otherwise somebody asks for it anew, and only the numbers go on.
    void failed_earlier(std::uint64_t task, FailureCause cause, int attempt, bool counts);
    /// The tasks [first, last) are done.
    void forget(std::uint64_t first, std::uint64_t last);

private:
    struct Count {
        Retries failed;  // attempts by cause
        int attempts = 0;
    };
    std::map<std::uint64_t, Count> failed_;
};

}  // namespace plenum::sched
