#include "app/launch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <nlohmann/json.hpp>
#include <plenum/error.hpp>

#include "app/startup.hpp"
#include "base/clock.hpp"
#include "base/cores.hpp"
#include "hdf5/library.hpp"
#include "mpi/mpi_session.hpp"
#include "pool/agreed_error.hpp"

namespace plenum::app {
namespace {

std::vector<std::string_view> technique_names() {
    std::vector<std::string_view> names;
    for (auto const& technique : sched::techniques()) names.push_back(technique.name);
    return names;
}

/// The options as text, so that rank 0's word counts on every rank.
std::string options_text(RunOptions const& options) {
    auto const names = technique_names();
    nlohmann::json json;
    for (auto const& row : run_option_table(names)) json[row.name] = row.show(options);
    return json.dump();
}

RunOptions options_from(std::string const& text) {
    RunOptions options;
    auto const names = technique_names();
    auto const json = nlohmann::json::parse(text);
    for (auto const& row : run_option_table(names))
        if (auto const value = json[row.name].get<std::string>(); !value.empty())
            store_option(options, row, value, row.flag());
    return options;
}

int threads_per_task() {
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
    print_error(topology.ranks == 1 ? error.what()
                                    : fmt::format("rank {} ({}): {}", topology.rank,
                                                  topology.hosts[static_cast<std::size_t>(topology.rank)], error.what()));
    session.abort(exit_code_of(error));
}

/// Runs `work`; an exception is told to the user and becomes an exit code.
int guarded(Program& program, std::function<int()> const& work) {
    try {
        return work();
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

int serve(comm::Session& session, RunOptions const& asked, std::uint64_t start_ns,
          std::function<std::unique_ptr<Program>()> const& make_program) {
    auto const threads = threads_per_task();
    auto const start = agree_on_start(session, options_text(asked), base::library_threads(threads));
    auto const options = options_from(start.options);
    hdf5::open_library();  // a parallel HDF5 calls MPI: here, not in the writer's thread
    pool::Engine engine(session, {.schedule = sched::technique_named(options.schedule).value(),
                                  .chunk_size = options.chunk_size,
                                  .isolation = options.isolation,
                                  .node_memory = options.node_memory,
                                  .threads_per_task = threads});
    engine.on_fatal([&](std::exception const& error) { end_all_ranks(session, error); });
    if (session.topology().rank != 0) return engine.serve({}, {});
    Launched const launched{.engine = engine, .options = options, .cores = start.cores, .warnings = start.warnings,
                            .mpi_version = session.mpi_version(), .startup_seconds = base::seconds_since(start_ns)};
    auto const program = make_program();
    program->prepare(launched);
    engine.on_fatal([&](std::exception const& error) {
        program->discard();
        end_all_ranks(session, error);
    });
    engine.on_interrupt([&](int signal) { return program->abandon(launched, signal); });
    return engine.serve([&] { return guarded(*program, [&] { return program->body(launched); }); },
                        [&](int code) { return guarded(*program, [&] { return program->conclude(launched, code); }); });
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

bool Program::abandon(Launched const& launched, int signal) {
    complain(describe_interrupt(launched, signal));
    return true;
}

void Program::complain(std::string const& message) { print_error(message); }

int launch(RunOptions const& options, std::function<std::unique_ptr<Program>()> const& make_program) {
    auto const start_ns = base::now_ns();
    std::unique_ptr<comm::Session> session;
    int rank = mpi::launched_rank();
    try {
        session = mpi::launched_as_rank() ? mpi::make_mpi_session() : comm::make_solo_session();
        rank = session->topology().rank;
        int code = 0;
        try {
            code = serve(*session, options, start_ns, make_program);
        } catch (pool::AgreedError const& error) {
            if (rank == 0) print_error(error.what());
            code = static_cast<int>(error.exit_code());
        }
        // mpirun ends all ranks as soon as one has left with an error: this one leaves with its own code.
        std::signal(SIGTERM, SIG_IGN);
        session->close();
        return code;
    } catch (std::exception const& error) {
        // No orderly end of MPI while this unwinds.
        if (session) end_all_ranks(*session, error);
        print_error(fmt::format("rank {}: {}", rank, error.what()));
        return exit_code_of(error);
    }
}

}  // namespace plenum::app
