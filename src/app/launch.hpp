// From a started process to a served engine and back to an exit code: the same road for every program.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "app/config_file.hpp"
#include "app/run_options.hpp"
#include "comm/session.hpp"
#include "io/result_records.hpp"
#include "mpi/mpi_session.hpp"
#include "pool/engine.hpp"

namespace plenum::app {

/// Where an option came from that the run has had before.
inline constexpr char const* from_record = "recorded";

/// What the body of a program gets, on rank 0.
struct Launched {
    pool::Engine& engine;
    RunOptions const& options;
    std::vector<std::string> const& cores;     ///< of each rank
    std::vector<std::string> const& warnings;  ///< about the placement of ranks
    std::string mpi_version;
    int threads_per_task;
    double startup_seconds;
    /// Where the options came from that are not defaults: "PLENUM_SEED", "run.toml:3", `from_record`.
    std::map<std::string, std::string> const& origins;
    std::map<std::string, ConfigValue> const& job_config;  ///< options of the job from a file
};

/// One program: what happens on rank 0. Errors that the functions throw are printed and become exit codes.
class Program {
public:
    Program() = default;
    Program(Program const&) = delete;
    Program& operator=(Program const&) = delete;
    virtual ~Program() = default;
    /// Main thread, before the body starts.
    virtual void prepare(Launched const&) {}
    /// The body's thread. Returns the exit code.
    virtual int body(Launched const& launched) = 0;
    /// Main thread, when all executors have left and have been reported. `code`: of the body so far.
    virtual int conclude(Launched const&, int code) { return code; }
    /// Main thread, at any time after prepare(): `signal` asks the run to end; 0: its time is over. Says so
    /// and removes what is unfinished; returns false when the run is at its end and goes on.
    virtual bool abandon(Launched const& launched, int signal);
    /// What the user can do when the run has left tasks out, as the end of a sentence.
    [[nodiscard]] virtual std::string after_stop() const { return "start it again"; }
    /// The run cannot go on: removes what is not finished. Main thread; the process ends next.
    virtual void discard() {}
    /// One line for the user: why the run has failed.
    virtual void complain(std::string const& message);
    /// One line for the user about a run that goes on. Main thread.
    virtual void note(std::string const& message);
};

/// What a file says of the run that is to go on.
struct LookedUp {
    std::string job = {};
    std::vector<io::RecordedOption> options = {};  ///< count where nothing else says otherwise
    std::vector<std::string> fixed = {};           ///< names of those of AskedOptions::fixed that it has set
};

/// What one process knows of the options before it knows the others.
struct AskedOptions {
    RunOptions options = {};
    std::vector<std::string> given = {};  ///< names of those that neither variable nor file changes
    std::vector<std::string> fixed = {};  ///< nor these, which `look_up` may set
    JobRegistry const* jobs = nullptr;    ///< whose tables a file of options may have; null: not looked at
    std::string job = {};                 ///< whose options are read from there
    /// Called on rank 0 only, before variables and file are: sets what only that rank can know. May be null;
    /// may throw.
    std::function<LookedUp(RunOptions&)> look_up = {};
};

/// `options`: those of the run.
using MakeProgram = std::function<std::unique_ptr<Program>(RunOptions const& options)>;

/// Collective over all ranks of the program: starts MPI where a launcher did, makes the engine, runs the
/// program, ends in order. Returns the exit code, the same on every rank. Rank 0's options count, then
/// the PLENUM_* variables of its environment, then the file that --config or PLENUM_CONFIG names, then those
/// that were recorded.
/// `make_program` is called on rank 0 only. Main thread; under a launcher once per process.
int launch(AskedOptions const& asked, MakeProgram const& make_program);

/// The same over the ranks of a communicator of a program that goes on afterwards: MPI stays, and what the
/// run has made or changed in this process is undone. Throws UsageError as mpi::require_usable.
int launch_within(mpi::ForeignCommunicator communicator, AskedOptions const& asked,
                  MakeProgram const& make_program);

/// "stopped by SIGUSR1 after 3 of 12 tasks, 9 are left"
[[nodiscard]] std::string describe_stop(Launched const& launched);

/// "interrupted by SIGTERM after 3 of 12 tasks"
[[nodiscard]] std::string describe_interrupt(Launched const& launched, int signal);

/// "plenum: message" on standard error.
void print_error(std::string const& message);

}  // namespace plenum::app
