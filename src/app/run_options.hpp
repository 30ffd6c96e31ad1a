// The run options of `plenum run`, and the one table that parsing, help and documentation come from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/environment.hpp"
#include "io/shard.hpp"
#include "pool/isolation.hpp"
#include "pool/run_limits.hpp"

namespace plenum::app {

using pool::Isolation;
/// How progress is shown.
enum class ProgressMode { automatic, bar, lines, none };
/// What goes to standard output at the end.
enum class OutputMode { text, json };

struct RunOptions {
    std::string output = {};  ///< result file; empty until the command line put JOB.h5 there
    std::string schedule = "auto";
    std::uint64_t chunk_size = 0;  ///< tasks in one claim; 0 = automatic
    Isolation isolation = Isolation::process;
    int executors = 1;                     ///< of each rank
    std::uint64_t tasks_per_executor = 0;  ///< 0 = any number
    int threads_per_task = 0;              ///< 0 = SLURM_CPUS_PER_TASK, else 1
    std::uint64_t node_memory = 0;         ///< bytes in each node; 0 = automatic
    sched::Retries retries = {};
    std::uint32_t crash_limit = 3;  ///< executors that one task may crash
    pool::MaxFailures max_failures = {};
    double task_timeout = 0;                     ///< s; 0 = none
    std::uint64_t task_memory = 0;               ///< bytes; 0 = no limit
    double time_limit = 0;                       ///< s from the start of the run; 0 = none
    std::optional<double> grace = std::nullopt;  ///< s; nothing = automatic
    double time_request = 0;   ///< s that a task takes, while none was measured; 0 = unknown
    double node_silence = 30;  ///< s without a word of a node after which the user is told; 0 = never
    std::uint64_t seed = 0;
    bool force = false;
    bool restart = false;        ///< discard what an unfinished run has left
    bool retry_failed = false;   ///< of an unfinished run
    double commit_interval = 1;  ///< s
    int gzip = 0;                ///< level of the published results; 0 = not compressed
    ProgressMode progress = ProgressMode::automatic;
    bool dry_run = false;
    OutputMode output_mode = OutputMode::text;
    std::string config = {};  ///< file with options; empty: none
    io::Shard shard = {};     ///< of the tasks
    std::string only = {};    ///< the one task to run, "812" or "MAP:812"; empty: all

    bool operator==(RunOptions const&) const = default;
};

/// The text of one option on its way into RunOptions.
struct OptionText {
    std::string_view text = {};
    std::string_view source = {};  ///< where it stood, for messages: "--seed" or "PLENUM_SEED"
    std::size_t choice = 0;        ///< index in RunOption::allowed where that is not empty
};

/// One row of the table.
struct RunOption {
    std::string name = {};                  ///< without dashes
    std::string short_name = {};            ///< one letter without dash, or empty
    std::string placeholder = {};           ///< what the value is, with its unit; empty for a flag
    std::string default_text = {};          ///< as a user would write it; empty for a flag
    std::string help = {};                  ///< starts in lower case, no full stop
    std::vector<std::string> allowed = {};  ///< the only values, or empty
    bool recorded = false;                  ///< the run keeps it: `resume` and `retry` take it from there
    void (*store)(RunOptions&, OptionText const&) = nullptr;
    std::string (*show)(RunOptions const&) = nullptr;  ///< the value as `store` reads it

    [[nodiscard]] bool is_flag() const { return placeholder.empty(); }
    /// "--chunk-size"
    [[nodiscard]] std::string flag() const { return "--" + name; }
    /// The environment variable: "PLENUM_CHUNK_SIZE".
    [[nodiscard]] std::string variable() const;
};

/// Names of the techniques, the values of --schedule.
[[nodiscard]] std::vector<std::string_view> technique_names();

/// Every run option in the order of the help. `techniques` are the values of --schedule, "auto" among them.
[[nodiscard]] std::vector<RunOption> run_option_table(std::span<std::string_view const> techniques);

/// Parses `text` into the field of `option`. Throws UsageError that names `source` and what would be right.
void store_option(RunOptions& options, RunOption const& option, std::string_view text,
                  std::string_view source);

/// The environment's values over `options`, except for the options named in `already_given`. A variable that
/// is set to nothing counts as not set. Throws UsageError that names the variable.
void apply_environment(RunOptions& options, std::span<RunOption const> table,
                       EnvironmentLookup const& environment, std::span<std::string const> already_given);

}  // namespace plenum::app
