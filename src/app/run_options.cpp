#include "app/run_options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>
#include <limits>
#include <plenum/error.hpp>
#include <plenum/option_value.hpp>

#include "app/limit_options.hpp"
#include "app/nearest.hpp"
#include "base/units.hpp"
#include "sched/technique.hpp"

namespace plenum::app {
namespace {

constexpr std::string_view automatic = "auto";
constexpr std::string_view no_file = "none";

// A window smaller than this cannot hold the queues; such a number nearly always lacks its unit.
constexpr std::uint64_t least_node_memory = 1 << 20;

// In the order of the enumerators. Constant, because add_job() reads the table before main.
constexpr std::array<std::string_view, 2> isolation_names{"process", "none"};
constexpr std::array<std::string_view, 4> progress_names{automatic, "bar", "lines", "none"};
constexpr std::array<std::string_view, 2> output_mode_names{"text", "json"};

using Names = std::span<std::string_view const>;

[[nodiscard]] std::vector<std::string> to_strings(Names names) {
    return {names.begin(), names.end()};
}

template <class Enum>
[[nodiscard]] std::string name_in(Names names, Enum value) {
    return std::string(names[static_cast<std::size_t>(value)]);
}

template <bool RunOptions::*field>
[[nodiscard]] RunOption flag(std::string name, std::string help) {
    return {
        .name = std::move(name),
        .help = std::move(help),
        .store = [](RunOptions& o, OptionText const& t) { o.*field = parse_option<bool>(t.text, t.source); },
        .show = [](RunOptions const& o) { return std::string(o.*field ? "true" : "false"); }};
}

void store_output(RunOptions& options, OptionText const& value) {
    if (value.text.ends_with('/'))
        throw UsageError(fmt::format("{}: '{}' is a folder; name a file in it, such as {}out.h5",
                                     value.source, value.text, value.text));
    options.output = value.text;
}

void store_chunk_size(RunOptions& options, OptionText const& value) {
    static constexpr std::uint64_t greatest = std::numeric_limits<std::uint32_t>::max();
    options.chunk_size =
        value.text == automatic ? 0 : detail::parse_unsigned(value.text, value.source, 1, greatest);
}

template <int RunOptions::*field>
void store_count(RunOptions& options, OptionText const& value) {
    static constexpr std::uint64_t greatest = 4096;
    options.*field = static_cast<int>(detail::parse_unsigned(value.text, value.source, 1, greatest));
}

void store_threads_per_task(RunOptions& options, OptionText const& value) {
    if (value.text == automatic)
        options.threads_per_task = 0;
    else
        store_count<&RunOptions::threads_per_task>(options, value);
}

void store_commit_interval(RunOptions& options, OptionText const& value) {
    options.commit_interval = parse_option<double>(value.text, value.source);
    if (options.commit_interval < 0 || options.commit_interval > 86400)
        throw UsageError(
            fmt::format("{}: '{}' is out of range; write seconds from 0 to 86400", value.source, value.text));
}

void store_compression(RunOptions& options, OptionText const& value) {
    static constexpr int usual_level = 4;
    constexpr std::string_view method = "gzip:";
    if (value.text == no_file) {
        options.gzip = 0;
    } else if (value.text == "gzip") {
        options.gzip = usual_level;
    } else if (value.text.starts_with(method)) {
        options.gzip =
            static_cast<int>(detail::parse_unsigned(value.text.substr(method.size()), value.source, 1, 9));
    } else {
        throw UsageError(
            fmt::format("{}: '{}' is not known; write gzip, gzip:LEVEL or none", value.source, value.text));
    }
}

void store_only(RunOptions& options, OptionText const& value) {
    options.only = value.text == no_file ? "" : value.text;
    if (!options.only.empty())
        (void)parse_option<std::uint64_t>(value.text.substr(value.text.rfind(':') + 1), value.source);
}

void store_node_memory(RunOptions& options, OptionText const& value) {
    options.node_memory = value.text == automatic ? 0 : base::parse_bytes(value.text, value.source);
    if (value.text != automatic && options.node_memory < least_node_memory)
        throw UsageError(
            fmt::format("{}: '{}' is less than {}; write a size with its unit, such as 512M or 4G",
                        value.source, value.text, base::format_bytes(least_node_memory)));
}

}  // namespace

std::string RunOption::variable() const {
    std::string text = "PLENUM_" + name;
    for (auto& c : text) c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return text;
}

std::vector<std::string_view> technique_names() {
    std::vector<std::string_view> names;
    for (auto const& technique : sched::techniques()) names.push_back(technique.name);
    return names;
}

std::vector<RunOption> run_option_table(std::span<std::string_view const> techniques) {
    std::vector<RunOption> table{
        {.name = "output",
         .short_name = "o",
         .placeholder = "FILE",
         .default_text = "JOB.h5",
         .help = "file for the results; an existing one is never overwritten without --force",
         .store = store_output,
         .show = [](RunOptions const& o) { return o.output; }},
        {.name = "schedule",
         .placeholder = "NAME",
         .default_text = std::string(automatic),
         .help = "technique that sizes the chunks in which tasks are claimed; auto sizes them from measured "
                 "times",
         .allowed = to_strings(techniques),
         .recorded = true,
         .store = [](RunOptions& o, OptionText const& value) { o.schedule = value.text; },
         .show = [](RunOptions const& o) { return o.schedule; }},
        {.name = "chunk-size",
         .placeholder = "TASKS",
         .default_text = std::string(automatic),
         .help = "tasks that an executor claims at once, in place of the technique's choice",
         .recorded = true,
         .store = store_chunk_size,
         .show =
             [](RunOptions const& o) {
                 return o.chunk_size == 0 ? std::string(automatic) : std::to_string(o.chunk_size);
             }},
        {.name = "isolation",
         .placeholder = "KIND",
         .default_text = std::string(isolation_names.front()),
         .help =
             "process runs tasks in a child process, so that a crash costs one task; none runs them in the "
             "rank itself, for debugging",
         .allowed = to_strings(isolation_names),
         .recorded = true,
         .store = [](RunOptions& o,
                     OptionText const& value) { o.isolation = static_cast<Isolation>(value.choice); },
         .show = [](RunOptions const& o) { return name_in(isolation_names, o.isolation); }},
        {.name = "executors",
         .placeholder = "N",
         .default_text = "1",
         .help = "tasks that each rank runs at the same time; more than it has cores suits tasks that wait",
         .recorded = true,
         .store = store_count<&RunOptions::executors>,
         .show = [](RunOptions const& o) { return std::to_string(o.executors); }},
        {.name = "tasks-per-executor",
         .placeholder = "N",
         .default_text = "0",
         .help = "tasks after which an executor is replaced by a fresh process, for tasks that leak; 0 never "
                 "does that",
         .recorded = true,
         .store =
             [](RunOptions& o, OptionText const& value) {
                 o.tasks_per_executor = parse_option<std::uint64_t>(value.text, value.source);
             },
         .show = [](RunOptions const& o) { return std::to_string(o.tasks_per_executor); }},
        {.name = "threads-per-task",
         .placeholder = "N",
         .default_text = std::string(automatic),
         .help = "threads of the libraries that a task calls (OMP_NUM_THREADS and friends); auto takes "
                 "SLURM_CPUS_PER_TASK or 1 where those variables are not set",
         .recorded = true,
         .store = store_threads_per_task,
         .show =
             [](RunOptions const& o) {
                 return o.threads_per_task == 0 ? std::string(automatic) : std::to_string(o.threads_per_task);
             }},
        {.name = "node-memory",
         .placeholder = "BYTES",
         .default_text = std::string(automatic),
         .help =
             "memory that the ranks of one node share, with a unit such as 512M or 4G; auto takes half of "
             "what is free",
         .recorded = true,
         .store = store_node_memory,
         .show =
             [](RunOptions const& o) {
                 return o.node_memory == 0 ? std::string(automatic) : std::to_string(o.node_memory);
             }},
        {.name = "seed",
         .placeholder = "N",
         .default_text = "0",
         .help = "seed of all random numbers; the same seed gives the same results on any number of ranks",
         .store =
             [](RunOptions& o, OptionText const& value) {
                 o.seed = parse_option<std::uint64_t>(value.text, value.source);
             },
         .show = [](RunOptions const& o) { return std::to_string(o.seed); }},
        flag<&RunOptions::force>("force", "replace an existing result file"),
        flag<&RunOptions::restart>("restart", "discard what an unfinished run of the same file has left"),
        flag<&RunOptions::retry_failed>(
            "retry-failed",
            "run the tasks again that have failed, of an unfinished run or of a finished file"),
        {.name = "commit-interval",
         .placeholder = "SECONDS",
         .default_text = "1",
         .help =
             "how long results wait on rank 0 until they are safe on the disk; a kill costs that and 0.25 s",
         .recorded = true,
         .store = store_commit_interval,
         .show = [](RunOptions const& o) { return fmt::format("{}", o.commit_interval); }},
        {.name = "compress",
         .placeholder = "METHOD",
         .default_text = std::string(no_file),
         .help = "compression of the results in the finished file: gzip, gzip:LEVEL with 1 to 9, or none",
         .recorded = true,
         .store = store_compression,
         .show =
             [](RunOptions const& o) {
                 return o.gzip == 0 ? std::string(no_file) : fmt::format("gzip:{}", o.gzip);
             }},
        {.name = "progress",
         .placeholder = "MODE",
         .default_text = std::string(progress_names.front()),
         .help = "how progress is shown; auto draws a bar on a terminal and writes lines into a log file",
         .allowed = to_strings(progress_names),
         .store = [](RunOptions& o,
                     OptionText const& value) { o.progress = static_cast<ProgressMode>(value.choice); },
         .show = [](RunOptions const& o) { return name_in(progress_names, o.progress); }},
        {.name = "shard",
         .placeholder = "I/N",
         .default_text = std::string(no_file),
         .help = "compute only the share I, from 0 to N-1, of the tasks of every map, into a file of its own "
                 "(default JOB-I.h5), as for $SLURM_ARRAY_TASK_ID; plenum merge joins the files",
         .store =
             [](RunOptions& o, OptionText const& value) {
                 o.shard = value.text == no_file ? io::Shard{} : io::parse_shard(value.text, value.source);
             },
         .show =
             [](RunOptions const& o) {
                 return o.shard.is_part() ? io::text_of(o.shard) : std::string(no_file);
             }},
        {.name = "only",
         .placeholder = "TASK",
         .default_text = std::string(no_file),
         .help = "run one task alone, in this process, for a debugger: its number, or MAP:NUMBER; prints its "
                 "result and keeps no file",
         .store = store_only,
         .show = [](RunOptions const& o) { return o.only.empty() ? std::string(no_file) : o.only; }},
        flag<&RunOptions::dry_run>("dry-run", "check everything and say what would run, but run no task"),
        {.name = "output-mode",
         .placeholder = "MODE",
         .default_text = std::string(output_mode_names.front()),
         .help = "summary on standard output as text for people or as one JSON object",
         .allowed = to_strings(output_mode_names),
         .store = [](RunOptions& o,
                     OptionText const& value) { o.output_mode = static_cast<OutputMode>(value.choice); },
         .show = [](RunOptions const& o) { return name_in(output_mode_names, o.output_mode); }},
        {.name = "config",
         .placeholder = "FILE",
         .default_text = std::string(no_file),
         .help = "TOML file with options: run options at its top, those of a job in a table of its name; the "
                 "command line and variables count more",
         .store = [](RunOptions& o,
                     OptionText const& value) { o.config = value.text == no_file ? "" : value.text; },
         .show = [](RunOptions const& o) { return o.config.empty() ? std::string(no_file) : o.config; }},
    };
    auto const seed = std::ranges::find(table, "seed", &RunOption::name);
    auto limits = limit_option_table();
    table.insert(seed, std::make_move_iterator(limits.begin()), std::make_move_iterator(limits.end()));
    return table;
}

void store_option(RunOptions& options, RunOption const& option, std::string_view text,
                  std::string_view source) {
    OptionText value{.text = text, .source = source};
    if (!option.allowed.empty()) {
        auto const found = std::ranges::find(option.allowed, text);
        if (found == option.allowed.end())
            throw UsageError(fmt::format("{}: '{}' is not known{}; write one of {}", source, text,
                                         nearest_hint(text, option.allowed),
                                         fmt::join(option.allowed, ", ")));
        value.choice = static_cast<std::size_t>(found - option.allowed.begin());
    }
    option.store(options, value);
}

void apply_environment(RunOptions& options, std::span<RunOption const> table,
                       EnvironmentLookup const& environment, std::span<std::string const> already_given) {
    for (auto const& option : table) {
        if (std::ranges::find(already_given, option.name) != already_given.end()) continue;
        auto const variable = option.variable();
        auto const value = environment(variable);
        if (value && !value->empty()) store_option(options, option, *value, variable);
    }
}

}  // namespace plenum::app
