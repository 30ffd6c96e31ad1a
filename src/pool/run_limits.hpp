// What a run allows its tasks and itself: attempts, failures, time, memory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sched/attempts.hpp"

namespace plenum::pool {

/// How many tasks may fail before the run stops. Neither: any number.
struct MaxFailures {
    std::optional<std::uint64_t> tasks;
    std::optional<double> percent;  ///< of the tasks known by then
    [[nodiscard]] bool exceeded(std::uint64_t failed, std::uint64_t known) const noexcept {
        return (tasks && failed > *tasks) ||
               (percent && static_cast<double>(failed) * 100 > *percent * static_cast<double>(known));
    }
    friend bool operator==(MaxFailures const&, MaxFailures const&) = default;
};

struct RunLimits {
    sched::Retries retries = {};
    std::uint32_t crash_limit = 3;  ///< executors that a task may crash
    MaxFailures max_failures = {};
    double task_timeout = 0;        ///< s; 0: none
    std::uint64_t task_memory = 0;  ///< bytes beyond what a fresh executor has; 0: no limit
    std::uint64_t end_ns = 0;       ///< when the run has to be over, in base::now_ns(); 0: at no time
    /// s from the moment on at which no task starts any more to the end; tasks that run get four fifths of
    /// it.
    double grace = 30;
    double time_request = 0;   ///< s that a task takes, as long as none was measured; 0: unknown
    double node_silence = 30;  ///< s without a word of a node after which the user is told; 0: never
};

/// Why a run starts no more tasks.
enum class StopReason : std::uint8_t { none, signal, time, failures };
/// "stopped by SIGUSR1"
[[nodiscard]] std::string describe(StopReason why);

}  // namespace plenum::pool
