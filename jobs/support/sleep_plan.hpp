// Which tasks of the sleep job sleep how long, from its options.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace plenum::jobs {

/// The values of the options; empty text where an option was not given and has no default.
struct SleepRequest {
    std::uint64_t tasks = 0;
    double seconds = 0;
    std::string list{};          ///< "0.5,0.1,2"
    std::string pattern{};       ///< name of a built-in list
    bool tasks_given = false;    ///< by the user, not by default
    bool seconds_given = false;  ///< by the user, not by default
};

/// How long each task sleeps: `each` seconds all of them, or one entry for each task.
struct SleepPlan {
    std::uint64_t tasks = 0;
    double each = 0;
    std::vector<double> unequal{};  ///< empty when all are equal

    [[nodiscard]] double total() const noexcept;
    [[nodiscard]] double longest() const noexcept;
};

/// Throws UsageError, naming the option, for options that exclude each other, an unknown pattern, no tasks,
/// and seconds that are negative or longer than a day.
[[nodiscard]] SleepPlan plan_sleep(SleepRequest const& request);

}  // namespace plenum::jobs
