#include "app/launch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <new>
#include <plenum/error.hpp>

#include "app/limit_options.hpp"
#include "app/startup.hpp"
#include "app/terminal.hpp"
#include "base/clock.hpp"
#include "base/cores.hpp"
#include "base/interrupt.hpp"
#include "hdf5/library.hpp"
#include "mpi/mpi_session.hpp"
#include "pool/agreed_error.hpp"
#include "sched/technique.hpp"

namespace plenum::app {
namespace {

/// So that rank 0's word counts on every rank.
OptionTexts texts_of(RunOptions const& options) {
    OptionTexts texts;
    auto const names = technique_names();
    for (auto const& row : run_option_table(names)) texts[row.name] = row.show(options);
    return texts;
}

RunOptions options_from(OptionTexts const& texts) {
    RunOptions options;
    auto const names = technique_names();
    for (auto const& row : run_option_table(names))
        if (auto const& value = texts.at(row.name); !value.empty())
            store_option(options, row, value, row.flag());
    return options;
}

/// What rank 0 alone knows of its options.
struct Sources {
    std::map<std::string, std::string> origins;
    std::map<std::string, ConfigValue> job_config;
};

/// What follows from the options of a job together.
void settle(RunOptions& options, std::string const& job, Sources const& sources) {
    if (options.shard.is_part() && !sources.origins.contains("output"))
        options.output = fmt::format("{}-{}.h5", job, options.shard.index);
    if (!options.only.empty()) options.isolation = Isolation::none;
}

/// The values of the file that --config names.
void take_config(RunOptions& options, std::span<RunOption const> table, AskedOptions const& asked,
                 std::string const& job, Sources& sources) {
    if (options.config.empty()) return;
    auto const config = read_config(options.config, table, asked.jobs, job);
    for (auto const& option : table) {
        auto const found = config.run.find(option.name);
        if (found == config.run.end()) continue;
        // A value that something else overrides is still checked: it is wrong wherever the file is used.
        RunOptions ignored;
        auto const place = found->second.source.substr(0, found->second.source.rfind(": "));
        bool const counts = sources.origins.try_emplace(option.name, place).second;
        store_option(counts ? options : ignored, option, found->second.text, found->second.source);
    }
    sources.job_config = config.job;
}

/// What the command line does not say: by the environment, then by the file, then as it is recorded.
void complete(RunOptions& options, AskedOptions const& asked, LookedUp const& found, Sources& sources) {
    auto const names = technique_names();
    auto const table = run_option_table(names);
    auto const environment = process_environment();
    auto known = asked.given;
    for (auto const& name : asked.given) sources.origins[name] = "command line";
    for (auto const& name : asked.fixed) {
        sources.origins[name] = from_record;
        known.push_back(name);
    }
    for (auto const& option : table)
        if (auto const value = environment(option.variable()); value && !value->empty())
            sources.origins.try_emplace(option.name, option.variable());
    apply_environment(options, table, environment, known);
    take_config(options, table, asked, found.job, sources);
    for (auto const& [name, value] : found.options) {
        auto const option = std::ranges::find(table, name, &RunOption::name);
        if (option == table.end() || !option->recorded) continue;
        if (sources.origins.try_emplace(name, from_record).second)
            store_option(options, *option, value, fmt::format("{} {}", from_record, option->flag()));
    }
    for (auto const& name : asked.fixed)
        if (std::ranges::count(found.fixed, name) == 0) sources.origins.erase(name);
}

/// The options that the ranks are to agree on. Only rank 0's environment and file count: they may differ
/// between nodes, and what is wrong with them has to be known to all ranks.
AgreedStart agree(comm::Session& session, AskedOptions const& asked, int threads, Sources& sources) {
    auto options = asked.options;
    Refusal refusal;
    if (session.topology().rank == 0) {
        try {
            auto const found = asked.look_up ? asked.look_up(options) : LookedUp{.job = asked.job};
            complete(options, asked, found, sources);
            if (asked.jobs != nullptr) settle(options, found.job, sources);
        } catch (Error const& error) {
            refusal = {.message = one_line(error.what(), std::string::npos, {}), .code = error.exit_code()};
        }
    }
    return agree_on_start(session, texts_of(options), refusal, threads);
}

/// Beside which deaths are noted: whoever goes on with the run counts them.
std::string run_file(RunOptions const& options, AskedOptions const& asked) {
    if (asked.jobs == nullptr || options.dry_run || !options.only.empty()) return {};
    return std::filesystem::absolute(options.output);
}

/// By the environment of this rank, where no option says it.
int default_threads() {
    auto const* const text = std::getenv("SLURM_CPUS_PER_TASK");
    return text != nullptr ? std::clamp(std::atoi(text), 1, 4096) : 1;
}

int exit_code_of(std::exception const& error) {
    auto const* const typed = dynamic_cast<Error const*>(&error);
    return static_cast<int>(typed != nullptr ? typed->exit_code() : ExitCode::environment);
}

/// The end when only this rank knows that it cannot go on.
[[noreturn]] void end_all_ranks(comm::Session& session, std::exception const& error) {
    auto const& topology = session.topology();
    print_error(topology.ranks == 1
                    ? error.what()
                    : fmt::format("rank {} ({}): {}", topology.rank,
                                  topology.hosts[static_cast<std::size_t>(topology.rank)], error.what()));
    session.abort(exit_code_of(error));
    std::_Exit(exit_code_of(error));  // not reached; the compiler cannot see that through a virtual call
}

constexpr auto incomplete = static_cast<int>(ExitCode::incomplete);

/// A body may have gone on although tasks were left out.
int stopped_code(pool::Engine& engine, int code) {
    bool const fine = code == 0 || code == static_cast<int>(ExitCode::tasks_failed);
    return fine && engine.host().progress().cut_short ? incomplete : code;
}

/// Runs `work`; an exception is told to the user and becomes an exit code.
int guarded(Program& program, std::function<int()> const& work) {
    try {
        return work();
    } catch (StoppedError const&) {
        return incomplete;  // the end says why
    } catch (Error const& error) {
        program.complain(error.what());
        return static_cast<int>(error.exit_code());
    } catch (std::bad_alloc const&) {
        program.complain("rank 0 is out of memory; use a machine with more, or smaller inputs");
    } catch (std::exception const& error) {
        program.complain(fmt::format("the program ended with an error: {}", error.what()));
    } catch (...) {
        program.complain("the program ended with an exception that is not derived from std::exception");
    }
    return static_cast<int>(ExitCode::environment);
}

int serve(comm::Session& session, AskedOptions const& asked, std::uint64_t start_ns,
          MakeProgram const& make_program) {
    Sources sources;
    auto start = agree(session, asked, base::library_threads(default_threads()), sources);
    auto const options = options_from(start.options);
    auto const threads = options.threads_per_task != 0 ? options.threads_per_task : default_threads();
    std::vector<std::string> cores;
    for (auto& place : start.places) {
        cores.push_back(place.cores);
        if (options.threads_per_task != 0) place.threads = options.threads_per_task;
    }
    auto warnings = placement_warnings(session.topology(), start.places, options.executors);
    for (auto& warning : limit_warnings(options)) warnings.push_back(std::move(warning));
    // Only rank 0 looks at the clock, for all.
    auto const environment =
        session.topology().rank == 0
            ? process_environment()
            : EnvironmentLookup([](auto const&) { return std::optional<std::string>(); });
    hdf5::open_library();  // a parallel HDF5 calls MPI: here, not in the writer's thread
    pool::Engine engine(session, {.schedule = sched::technique_named(options.schedule).value(),
                                  .chunk_size = options.chunk_size,
                                  .isolation = options.isolation,
                                  .node_memory = options.node_memory,
                                  .executors = options.executors,
                                  .tasks_per_executor = options.tasks_per_executor,
                                  .threads = {.count = threads, .asked = options.threads_per_task != 0},
                                  .limits = run_limits(options, start_ns, environment),
                                  .run_file = run_file(options, asked),
                                  .launcher_mark = mpi::launcher_mark()});
    engine.on_fatal([&](std::exception const& error) { end_all_ranks(session, error); });
    if (session.topology().rank != 0) return engine.serve({}, {});
    Launched const launched{.engine = engine,
                            .options = options,
                            .cores = cores,
                            .warnings = warnings,
                            .mpi_version = session.mpi_version(),
                            .threads_per_task = threads,
                            .startup_seconds = base::seconds_since(start_ns),
                            .origins = sources.origins,
                            .job_config = sources.job_config};
    auto const program = make_program(options);
    engine.on_notice([&](std::string const& line) { program->note(line); });
    program->prepare(launched);
    engine.on_fatal([&](std::exception const& error) {
        program->discard();
        end_all_ranks(session, error);
    });
    engine.on_interrupt([&](int signal) { return program->abandon(launched, signal); });
    return engine.serve(
        [&] { return stopped_code(engine, guarded(*program, [&] { return program->body(launched); })); },
        [&](int code) {
            code = guarded(*program, [&] { return program->conclude(launched, code); });
            if (code == incomplete && engine.host().progress().cut_short)
                program->complain(fmt::format("{}; {}", describe_stop(launched), program->after_stop()));
            return code;
        });
}

/// While it lives, a reader that goes away does not end the process.
class IgnoredPipeSignal {
public:
    IgnoredPipeSignal() {
        struct sigaction ignore {};
        ignore.sa_handler = SIG_IGN;
        ::sigaction(SIGPIPE, &ignore, &before_);
    }
    IgnoredPipeSignal(IgnoredPipeSignal const&) = delete;
    IgnoredPipeSignal& operator=(IgnoredPipeSignal const&) = delete;
    ~IgnoredPipeSignal() { ::sigaction(SIGPIPE, &before_, nullptr); }

private:
    struct sigaction before_ {};
};

/// `leaves`: mpirun ends all ranks as soon as one has left with an error, or when somebody asks it to end;
/// then this one leaves with its own code.
int run_session(AskedOptions const& asked, MakeProgram const& make_program, bool leaves,
                std::function<std::unique_ptr<comm::Session>()> const& make_session) {
    auto const start_ns = base::now_ns();
    base::DrainNote const drain;  // also while the run starts and ends
    std::unique_ptr<comm::Session> session;
    int rank = mpi::launched_rank();
    try {
        session = make_session();
        rank = session->topology().rank;
        int code = 0;
        try {
            code = serve(*session, asked, start_ns, make_program);
        } catch (pool::AgreedError const& error) {
            if (rank == 0) print_error(error.what());
            code = static_cast<int>(error.exit_code());
        }
        std::optional<base::LeaveNote> leaving;
        session->close([&] {
            std::fflush(nullptr);  // what the program has printed, should this process be ended
            if (leaves) leaving.emplace(code);
        });
        return code;
    } catch (std::exception const& error) {
        // No orderly end of MPI while this unwinds.
        if (session) end_all_ranks(*session, error);
        print_error(fmt::format("rank {}: {}", rank, error.what()));
        return exit_code_of(error);
    }
}

}  // namespace

void print_error(std::string const& message) {
    auto const line = fmt::format("plenum: {}\n", message);
    std::fwrite(line.data(), 1, line.size(), stderr);
    std::fflush(stderr);
}

std::string describe_interrupt(Launched const& launched, int signal) {
    auto const& progress = launched.engine.host().progress();
    auto const tasks = progress.tasks.load();
    if (tasks == 0) return fmt::format("interrupted by SIG{} before any task", ::sigabbrev_np(signal));
    return fmt::format("interrupted by SIG{} after {} of {} tasks", ::sigabbrev_np(signal),
                       progress.done.load() + progress.failed.load(), tasks);
}

std::string describe_stop(Launched const& launched) {
    auto const& progress = launched.engine.host().progress();
    auto const tasks = progress.tasks.load(), over = progress.done.load() + progress.failed.load();
    return fmt::format("{} after {} of {} tasks, {} are left", describe(progress.stopped.load()), over, tasks,
                       tasks - std::min(tasks, over));
}

bool Program::abandon(Launched const& launched, int signal) {
    complain(signal == 0 ? fmt::format("{}; {}", describe_stop(launched), after_stop())
                         : describe_interrupt(launched, signal));
    return true;
}

void Program::complain(std::string const& message) {
    print_error(message);
}

void Program::note(std::string const& message) {
    print_error(message);
}

int launch(AskedOptions const& asked, MakeProgram const& make_program) {
    std::signal(SIGPIPE, SIG_IGN);  // a reader that goes away, as in `| head`, must not cost the results
    std::signal(SIGXFSZ, SIG_IGN);  // a file that reaches its limit is an error of the write
    bool const launched = mpi::launched_as_rank();
    return run_session(asked, make_program, launched,
                       [launched] { return launched ? mpi::make_mpi_session() : comm::make_solo_session(); });
}

int launch_within(mpi::ForeignCommunicator communicator, AskedOptions const& asked,
                  MakeProgram const& make_program) {
    mpi::require_usable(communicator);
    IgnoredPipeSignal const ignored;
    return run_session(asked, make_program, false, [&] { return mpi::make_mpi_session(communicator); });
}

}  // namespace plenum::app
