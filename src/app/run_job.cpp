#include "app/run_job.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <future>
#include <mutex>
#include <optional>
#include <plenum/error.hpp>
#include <plenum/job.hpp>
#include <plenum/version.hpp>

#include "app/engine_pool.hpp"
#include "app/job_registry.hpp"
#include "app/output_lines.hpp"
#include "app/progress.hpp"
#include "app/run_result_file.hpp"
#include "app/summary.hpp"
#include "app/unfinished_run.hpp"
#include "base/beside.hpp"
#include "base/clock.hpp"
#include "base/units.hpp"
#include "hdf5/dataset_source.hpp"
#include "hdf5/result_file.hpp"
#include "io/deaths.hpp"
#include "io/run_files.hpp"

extern char** environ;

namespace plenum::app {
namespace {

constexpr double time_to_leave_seconds = 0.7;  // for the last commit, after a signal
constexpr double time_to_read_seconds = 0.2;   // for mpirun, what was said before the summary
constexpr double patient_seconds = 300;        // for the last commit of a run that has failed

/// Variables that say how the run was started.
std::vector<std::pair<std::string, std::string>> recorded_environment() {
    std::vector<std::pair<std::string, std::string>> recorded;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        std::string const text = *entry;
        auto const equals = text.find('=');
        auto const name = text.substr(0, equals);
        for (auto const* const prefix : {"PLENUM_", "SLURM_JOB", "SLURM_N", "OMP_", "LOADEDMODULES"})
            if (name.starts_with(prefix)) {
                recorded.emplace_back(name, equals == std::string::npos ? "" : text.substr(equals + 1));
                break;
            }
    }
    std::sort(recorded.begin(), recorded.end());
    return recorded;
}

class JobProgram : public Program {
public:
    JobProgram(Command const& command, std::string arguments)
        : command_(command),
          arguments_(std::move(arguments)),
          progress_(STDERR_FILENO, command.options.progress, process_environment()) {}

    void prepare(Launched const& launched) override {
        start_ns_ = base::now_ns();
        for (auto const& warning : launched.warnings) say(fmt::format("plenum: warning: {}", warning));
        launched.engine.on_output([this](wire::Output const& output) { show(output); });
        launched.engine.on_idle([this, &launched] {
            std::lock_guard const lock(mutex_);
            if (results_) progress_.update(state(launched));  // not before the file is this run's
        });
    }

    int body(Launched const& launched) override {
        auto const& options = launched.options;
        take_config(launched);
        if (!options.only.empty() && launched.engine.topology().ranks * options.executors != 1)
            throw UsageError("--only: runs one task in this process alone; leave out mpirun and --executors");
        if (auto const code = finished_before(launched)) return *code;
        try {
            open_results(launched);
        } catch (UsageError const&) {
            // What was left of a killed run may have finished the file while this one waited for its lock.
            if (auto const code = finished_before(launched)) return *code;
            throw;
        }
        datasets_ = hdf5::make_dataset_source();
        EnginePool pool(launched.engine, *datasets_,
                        [this](std::string const& line) { say("plenum: " + line); });
        if (has_file_) pool.on_shared([this](io::ArrayCheck array) { results_->note_shared(array); });
        if (options.dry_run) {
            report_placement(launched);
            report_origins(launched);
        }
        JobContext context({.pool = &pool,
                            .results = results_.get(),
                            .options = command_.job_options,
                            .given = command_.given_job_options,
                            .sources = sources_,
                            .seed = options.seed,
                            .dry_run = options.dry_run,
                            .say = [this](std::string_view line) { say(line); }});
        auto const* const job = JobRegistry::global().find(command_.job);
        int code = 0;
        try {
            code = job->run(context);
            if (!options.only.empty())
                throw UsageError(fmt::format("--only: the job has no task {}; see plenum run {} --dry-run",
                                             options.only, command_.job));
        } catch (JobCut const& cut) {
            code = cut.code;
        }
        pool.finish();
        if (results_->needs_merge())
            say("plenum: the job goes on from here with the results of all shards; plenum merge joins them");
        return code == 0 && !results_->failures().empty() ? static_cast<int>(ExitCode::tasks_failed) : code;
    }

    int conclude(Launched const& launched, int code) override {
        bool const complete = code == 0 || code == static_cast<int>(ExitCode::tasks_failed);
        auto const& options = launched.options;
        if (!results_ || options.dry_run || !options.only.empty() || !complete) {
            {
                std::lock_guard const lock(mutex_);
                progress_.stop();
            }
            if (stopped(launched)) print_summary(summarize(launched, false), launched.options);
            leave_unpublished(stopped(launched));
            return code;
        }
        bool const publishes = !results_->empty();
        if (publishes) {
            try {
                publish(launched);
            } catch (Error const& error) {
                complain(error.what());
                leave_unpublished(false);
                return static_cast<int>(error.exit_code());
            }
        }
        {
            std::lock_guard const lock(mutex_);
            if (auto const last = state(launched); last.tasks) progress_.finish(last);
        }
        print_summary(summarize(launched, publishes), launched.options);
        return code;
    }

    std::string after_stop() const override { return "the same command goes on"; }

    bool abandon(Launched const& launched, int signal) override {
        // Not under the lock: the writer may have something to say.
        auto const end = leave(time_to_leave_seconds);
        if (end == io::RunEnd::published) return false;  // only the summary is missing
        std::lock_guard const lock(mutex_);
        progress_.stop();
        progress_.print_line(
            signal == 0 ? fmt::format("plenum: {}; {}", describe_stop(launched), after_stop())
                        : fmt::format("plenum: {}; {}", describe_interrupt(launched, signal), in_words(end)));
        abandoned_ = true;
        return true;
    }

    void discard() override {
        (void)leave(time_to_leave_seconds);
        std::lock_guard const lock(mutex_);
        progress_.stop();
        abandoned_ = true;
    }

    /// The run has failed: this is the last line.
    void complain(std::string const& message) override {
        say(fmt::format("plenum: {}", message));
        std::lock_guard const lock(mutex_);
        progress_.stop();
    }

    void note(std::string const& message) override { say(fmt::format("plenum: {}", message)); }

private:
    static bool stopped(Launched const& launched) { return launched.engine.host().progress().cut_short; }

    /// After the last line of the progress, also where mpirun joins what comes through two pipes.
    static void print_summary(RunSummary const& summary, RunOptions const& options) {
        wait_until_read(STDERR_FILENO, time_to_read_seconds);
        auto const text = options.output_mode == OutputMode::json
                              ? summary_json(summary)
                              : summary_text(summary, text_style(STDOUT_FILENO, process_environment()));
        write_all(STDOUT_FILENO, text);
    }

    static std::string in_words(io::RunEnd end) {
        return end == io::RunEnd::resumable ? "the same command resumes" : "nothing of it is kept";
    }

    /// Any time: the body's thread may be anywhere.
    io::RunEnd leave(double seconds) {
        std::unique_lock const opening(opening_, std::chrono::duration<double>(seconds));
        {
            std::lock_guard const lock(mutex_);
            closed_ = true;
            if (!has_file_) return io::RunEnd::nothing;
        }
        return results_->leave(seconds);
    }

    /// The body has ended without a result file. `told`: the user knows that the run can go on.
    void leave_unpublished(bool told) {
        if (!has_file_) return;
        auto const end = leave(patient_seconds);
        if (end == io::RunEnd::resumable && !told)
            say("plenum: what is done is kept; the same command resumes");
        else if (end == io::RunEnd::nothing && !told && results_->has_maps())
            say("plenum: nothing of it is kept; the same command begins anew");
        {
            std::lock_guard const lock(mutex_);
            has_file_ = false;
        }
        results_.reset();
    }

    io::RunIdentity identity(Launched const& launched) const {
        return identity_of(command_, launched.options, arguments_);
    }

    /// Those that a later process of the run is to know.
    static std::vector<io::RecordedOption> run_options(Launched const& launched) {
        std::vector<io::RecordedOption> given;
        auto const names = technique_names();
        for (auto const& option : run_option_table(names))
            if (option.recorded && launched.origins.contains(option.name))
                given.push_back({.name = option.name, .value = option.show(launched.options)});
        return given;
    }

    /// The exit code when the file is there already and holds what this run would make.
    std::optional<int> finished_before(Launched const& launched) {
        auto const& options = launched.options;
        if (options.force || !options.only.empty()) return std::nullopt;
        auto const finished = find_finished(options.output, identity(launched));
        if (!finished) return std::nullopt;
        if (!options.dry_run) io::remove_left_overs(options.output, finished->journal);
        if (command_.resumes && finished->goes_on) return std::nullopt;
        if (finished->code != ExitCode::done && options.retry_failed) {
            retries_published_ = true;
            return std::nullopt;
        }
        say(fmt::format("plenum: {}", finished->text));
        return static_cast<int>(finished->code);
    }

    void say(std::string_view line) {
        std::lock_guard const lock(mutex_);
        if (!abandoned_) progress_.print_line(line);
    }

    /// A dry run only looks.
    void open_results(Launched const& launched) {
        std::lock_guard const opening(opening_);
        auto const& options = launched.options;
        auto const existing = options.force || retries_published_ ? io::ExistingFile::replace
                              : command_.resumes                  ? io::ExistingFile::resume
                                                                  : io::ExistingFile::refuse;
        std::map<std::string, TasksOver> over;
        bool const keeps_nothing = options.dry_run || !options.only.empty();
        if (options.dry_run) {
            io::refuse_existing(options.output, existing);
            over = tasks_over(options, identity(launched));
        }
        std::unique_ptr<io::ResultSink> file;
        if (!keeps_nothing || (options.dry_run && over.empty() && !options.restart))
            file = hdf5::create_result_file(
                {.path = options.output,
                 .existing = existing,
                 .take_from = retries_published_ ? options.output : "",
                 .retry_failed = options.retry_failed,
                 .restart = options.restart,
                 .identity = identity(launched),
                 .run_options = run_options(launched),
                 .crash_limit = options.crash_limit,
                 .commit_seconds = options.commit_interval,
                 .gzip = options.gzip,
                 .pack_threads = pack_threads(launched),
                 .packed = [this](double share) { note_packed(share); },
                 .software = "plenum",
                 .version = version,
                 .git = git_revision,
                 .hosts = launched.engine.topology().hosts,
                 .lock = {},
                 .say = [this](std::string const& text) { say("plenum: " + text); }});
        if (options.dry_run) file = nullptr;  // it could be made
        bool const has_file = file != nullptr;
        auto results = std::make_unique<RunResultFile>(
            launched.engine, std::move(file), options.shard, io::run_key(identity(launched)), options.gzip,
            [this, over, &options](auto const& map, auto tasks) {
                auto const found = over.find(map.name);
                say(describe_plan(map, tasks, found == over.end() ? TasksOver{} : found->second,
                                  options.shard));
            });
        if (!options.dry_run) results->run_only(options.only);
        // A signal finds either no file or one that it can close.
        std::lock_guard const lock(mutex_);
        if (closed_) throw EnvironmentError("the run was interrupted; start it again");
        results_ = std::move(results);
        has_file_ = has_file;
    }

    /// As many as computed on this node: the executors have left, and the results lie here.
    static int pack_threads(Launched const& launched) {
        auto const& topology = launched.engine.topology();
        auto const computing = std::int64_t{topology.ranks_on(topology.node)} * launched.options.executors *
                               launched.threads_per_task;
        auto const processors = launched.engine.node().header().processors.count();
        return static_cast<int>(std::clamp<std::int64_t>(computing, 1, std::max(1, processors)));
    }

    /// On the writer's thread, again and again while it compresses; a run that ends does not wait for the
    /// rest.
    void note_packed(double share) {
        if (closed_) throw EnvironmentError("the run was interrupted while its results were compressed");
        packed_ = share;
    }

    /// Compressing and syncing a large file take long, and a signal must not wait for them.
    void publish(Launched const& launched) {
        auto done = base::beside([&] { results_->publish(provenance(launched)); });
        while (done.wait_for(std::chrono::milliseconds(25)) == std::future_status::timeout) {
            launched.engine.check_interrupt();
            std::lock_guard const lock(mutex_);
            if (packed_ > 0) progress_.update(state(launched));
        }
        packed_ = 0;
        done.get();
    }

    /// The options of the job that stand in a file and not in the command line.
    void take_config(Launched const& launched) {
        for (auto const& [name, value] : launched.job_config) {
            if (command_.given_job_options.contains(name)) continue;
            command_.job_options[name] = value.text;
            sources_[name] = value.source;
            bool const is_off = value.text == "false";  // a flag that is off is as if it were not there
            if (!is_off) command_.given_job_options.insert(name);
        }
    }

    /// The options that are not defaults, and where they stand.
    std::map<std::string, std::string> origins(Launched const& launched) const {
        auto all = launched.origins;
        bool const again = command_.resumes || command_.retries;
        for (auto const& name : command_.given_job_options) all[name] = again ? from_record : "command line";
        for (auto const& [name, source] : sources_) all[name] = source.substr(0, source.rfind(": "));
        return all;
    }

    void report_origins(Launched const& launched) {
        auto values = command_.job_options;
        auto const names = technique_names();
        for (auto const& option : run_option_table(names))
            values[option.name] = option.show(launched.options);
        for (auto const& [name, origin] : origins(launched))
            say(fmt::format("--{}: {} ({})", name, values[name], origin));
    }

    void report_placement(Launched const& launched) {
        auto const& topology = launched.engine.topology();
        for (int rank = 0; rank < topology.ranks; ++rank) {
            auto const i = static_cast<std::size_t>(rank);
            auto const executors = launched.options.executors;
            say(fmt::format("rank {} on {} (node {}): cores {}{}", rank, topology.hosts[i],
                            topology.node_of[i], launched.cores[i],
                            executors == 1 ? "" : fmt::format(", {} executors", executors)));
        }
        say(fmt::format("MPI: {}; node memory: {} for shared arrays, as much for results",
                        launched.mpi_version, base::format_bytes(launched.engine.node().bytes() / 2)));
    }

    void show(wire::Output const& output) {
        std::lock_guard const lock(mutex_);
        for_each_line(output, [this](std::string const& line) { progress_.print_line(line); });
        if (results_ && !closed_) results_->note_printed(output);
    }

    ProgressState state(Launched const& launched) const {
        auto const& progress = launched.engine.host().progress();
        auto const tasks = progress.tasks.load();  // 0: the job has not come to its tasks yet
        return {.tasks = tasks == 0 ? std::nullopt : std::optional(tasks),
                .done = progress.done.load(),
                .failed = progress.failed.load(),
                .seconds = base::seconds_since(start_ns_),
                .retried = progress.retried.load(),
                .stopping = progress.stopped.load() != pool::StopReason::none,
                .seconds_left = launched.engine.host().seconds_left(),
                .earlier = progress.settled.load(),
                .packed = packed_ > 0 ? std::optional(packed_.load()) : std::nullopt};
    }

    RunSummary summarize(Launched const& launched, bool published) const {
        auto const now = state(launched);
        RunSummary summary{.job = command_.job,
                           .tasks = now.tasks.value_or(0),
                           .done = now.done,
                           .failed = now.failed,
                           .earlier = now.earlier,
                           .wall_seconds = now.seconds,
                           .bytes_written = results_->bytes_written(),
                           .output = published ? launched.options.output : "",
                           .warnings = launched.warnings};
        auto const& progress = launched.engine.host().progress();
        summary.retried = now.retried;
        summary.timed_out = progress.timed_out.load();
        summary.quarantined =
            progress.quarantined.load() +
            static_cast<std::uint64_t>(std::ranges::count_if(results_->failures(), [](auto const& each) {
                return each.earlier && each.failure.quarantined;
            }));
        if (progress.cut_short) summary.stopped = describe(progress.stopped.load());
        double first = 0, last = 0;
        for (auto const& report : launched.engine.reports()) {
            auto const rank = static_cast<std::size_t>(report.rank);
            summary.ranks.push_back({.rank = report.rank,
                                     .host = launched.engine.topology().hosts[rank],
                                     .cores = launched.cores[rank],
                                     .executors = launched.options.executors,
                                     .busy_seconds = report.busy_seconds,
                                     .tasks = report.tasks});
            if (report.first_start > 0 && (first == 0 || report.first_start < first))
                first = report.first_start;
            last = std::max(last, report.last_end);
            summary.cache += report.cache;
        }
        summary.first_task_seconds = first;
        summary.compute_seconds = last - first;
        for (auto const& [map, failure, earlier] : results_->failures())
            summary.failures.push_back(
                {.task = failure.task,
                 .rank = failure.rank,
                 .host = earlier ? "before it was resumed"
                                 : launched.engine.topology().hosts[static_cast<std::size_t>(failure.rank)],
                 .cause = failure.cause,
                 .message = failure.message,
                 .attempt = failure.attempt,
                 .quarantined = failure.quarantined});
        return summary;
    }

    io::Provenance provenance(Launched const& launched) const {
        io::Provenance provenance{.job = command_.job,
                                  .command_line = arguments_,
                                  .options = {},
                                  .environment = recorded_environment(),
                                  .workers = {}};
        for (auto const& [name, value] : command_.job_options) provenance.options.push_back({name, value});
        provenance.options.push_back({"seed", static_cast<std::int64_t>(launched.options.seed)});
        provenance.options.push_back({"schedule", launched.options.schedule});
        provenance.options.push_back({"chunk-size", static_cast<std::int64_t>(launched.options.chunk_size)});
        provenance.options.push_back({"executors", std::int64_t{launched.options.executors}});
        provenance.options.push_back(
            {"tasks-per-executor", static_cast<std::int64_t>(launched.options.tasks_per_executor)});
        provenance.options.push_back({"ranks", std::int64_t{launched.engine.topology().ranks}});
        provenance.options.push_back({"nodes", std::int64_t{launched.engine.topology().nodes}});
        provenance.options.push_back({"mpi", launched.mpi_version});
        if (launched.options.shard.is_part()) {
            provenance.options.push_back({"shard", io::text_of(launched.options.shard)});
            provenance.options.push_back({"needs_merge", std::int64_t{results_->needs_merge()}});
        }
        std::string from;
        for (auto const& [name, origin] : origins(launched))
            from += fmt::format("{}{} ({})", from.empty() ? "" : ", ", name, origin);
        provenance.options.push_back({"origins", from});
        auto const wall = base::seconds_since(start_ns_);
        for (auto const& report : launched.engine.reports()) {
            auto const rank = static_cast<std::size_t>(report.rank);
            provenance.workers.push_back(
                {.rank = report.rank,
                 .host = launched.engine.topology().hosts[rank],
                 .cores = launched.cores[rank],
                 .executors = launched.options.executors,
                 .startup = launched.startup_seconds,
                 .init = report.first_start,
                 .working = report.busy_seconds,
                 .waiting = std::max(
                     0.0, launched.options.executors * (wall - report.first_start) - report.busy_seconds),
                 .commit = report.rank == 0 ? results_->commit_seconds() : 0,
                 .tasks = report.tasks});
        }
        return provenance;
    }

    Command command_;
    std::string arguments_;
    std::map<std::string, std::string> sources_;  // of the job's options that stand in a file
    std::uint64_t start_ns_ = 0;
    std::timed_mutex opening_;  // held while the result file is made; taken before mutex_
    std::mutex mutex_;          // guards the next three: lines come from the body's and the main thread
    Progress progress_;
    bool abandoned_ = false;           // nothing more is to be said or made
    std::atomic<bool> closed_{false};  // no result file is to be opened or published any more
    bool retries_published_ = false;   // what failed in the published file
    bool has_file_ = false;            // results_ holds one
    std::atomic<double> packed_{0};    // share of the results, while they are compressed
    std::unique_ptr<io::DatasetSource> datasets_;
    std::unique_ptr<RunResultFile> results_;
};

}  // namespace

std::unique_ptr<Program> make_job_program(Command const& command, std::string arguments) {
    return std::make_unique<JobProgram>(command, std::move(arguments));
}

}  // namespace plenum::app
