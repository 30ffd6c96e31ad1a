// What a run was: the summary at its end, as text for people and as JSON for programs.
#pragma once

#include <cstdint>
#include <optional>
#include <plenum/error.hpp>
#include <string>
#include <vector>

#include "app/terminal.hpp"
#include "wire/messages.hpp"

namespace plenum::app {

struct RunSummary {
    /// One rank's share of the work.
    struct Rank {
        int rank = 0;
        std::string host = {};
        std::string cores = {};   ///< as a list, "0-3,8"; empty when nobody knows
        int executors = 1;        ///< that it had
        double busy_seconds = 0;  ///< of all its executors
        std::uint64_t tasks = 0;
    };
    /// One failed task.
    struct Failure {
        std::uint64_t task = 0;
        int rank = 0;
        std::string host = {};
        FailureCause cause = FailureCause::exception;
        std::string message = {};
        int attempt = 1;           ///< which one this was
        bool quarantined = false;  ///< it has crashed too many executors to be tried again
    };

    std::string job = {};
    std::uint64_t tasks = 0;    ///< how many there are
    std::uint64_t done = 0;     ///< with a result
    std::uint64_t failed = 0;   ///< ended without one; the rest of `tasks` did not run
    std::uint64_t earlier = 0;  ///< of done and failed, those before the run was resumed
    double wall_seconds = 0;
    double first_task_seconds = 0;  ///< from the start of the run to the start of the first task
    double compute_seconds = 0;     ///< from the start of the first task to the end of the last
    std::vector<Rank> ranks = {};
    std::uint64_t bytes_written = 0;
    std::string output = {};                 ///< the result file; empty when there is none
    std::vector<Failure> failures = {};      ///< all or the first of them
    std::vector<std::string> warnings = {};  ///< those that were said at the start; JSON only
    std::uint64_t retried = 0;               ///< failed attempts of tasks that ran again
    std::uint64_t timed_out = 0;             ///< attempts that were killed for their time
    std::uint64_t quarantined = 0;           ///< of the failed tasks
    std::string stopped = {};     ///< why it left tasks out, "stopped by SIGUSR1"; empty: it did not
    wire::CacheTally cache = {};  ///< all ranks; calls of cached functions that were hits, and others
};

/// The rate: tasks that this process has ended, done and failed, per second from the start of its first task
/// to the end of its last. `plenum status` finds the same from the files. Nothing where that is no time.
[[nodiscard]] std::optional<double> tasks_per_second(RunSummary const& summary);
/// Sum of the busy times / (executors x compute_seconds): 1 is perfect. Nothing where that is 0 / 0.
[[nodiscard]] std::optional<double> parallel_efficiency(RunSummary const& summary);
/// Busy time of the busiest rank / mean busy time - 1: 0 is perfect (the percent imbalance of Pearce et
/// al., ICS 2012, as a ratio). Nothing where no rank was busy.
[[nodiscard]] std::optional<double> load_imbalance(RunSummary const& summary);
/// Calls of cached functions; 0 when the run has used no cache.
[[nodiscard]] std::uint64_t cached_calls(RunSummary const& summary);
/// Share of compute_seconds in which an executor of this rank ran tasks, the mean of all; 0 where nothing was
/// computed.
[[nodiscard]] double busy_share(RunSummary const& summary, RunSummary::Rank const& rank);

/// Lines of at most `style.width` columns (paths stay whole), each with a newline.
[[nodiscard]] std::string summary_text(RunSummary const& summary, TextStyle const& style);
/// One line with one JSON object: the fields of RunSummary under their names and the figures above, all in
/// seconds, bytes and ratios; null where a figure does not exist.
[[nodiscard]] std::string summary_json(RunSummary const& summary);

}  // namespace plenum::app
