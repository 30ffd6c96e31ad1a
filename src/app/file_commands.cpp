#include "app/file_commands.hpp"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <plenum/error.hpp>

#include "app/launch.hpp"
#include "io/shard.hpp"

namespace plenum::app {
namespace {

int run_here(FileRequest const& request) {
    auto const commands = file_commands();
    auto const command = std::ranges::find(commands, request.command, &FileCommand::name);
    try {
        return command->run(request);
    } catch (Error const& error) {
        print_error(error.what());
        return static_cast<int>(error.exit_code());
    } catch (std::bad_alloc const&) {
        print_error(
            fmt::format("{}: there is not enough memory for it, or it is damaged", request.files.front()));
    } catch (std::exception const& error) {
        print_error(fmt::format("{}: cannot be read ({})", request.files.front(), error.what()));
    }
    return static_cast<int>(ExitCode::environment);
}

}  // namespace

std::span<FileCommand const> file_commands() {
    static FileOption const map{
        .name = "map", .placeholder = "NAME", .help = "which map of the job, where it has several"};
    static FileOption const output_mode{.name = "output-mode",
                                        .placeholder = "MODE",
                                        .help = "text for people, or one JSON object",
                                        .allowed = {"text", "json"}};
    static std::vector<FileCommand> const commands{
        {.name = "status",
         .arguments = "FILE",
         .summary =
             "say how far the run of a result file is, alive or not: counts, rate, failures, slowest tasks",
         .options = {{.name = "watch",
                      .placeholder = "SECONDS",
                      .help = "repeat it until the run ends, every 2 s or as given",
                      .optional_number = "2"},
                     output_mode,
                     {.name = "exit-code",
                      .help =
                          "print nothing; exit with 0 when all tasks are done, 4 when some failed, 75 when "
                          "the run has not ended, 3 when it cannot be read"}},
         .run = run_status},
        {.name = "validate",
         .arguments = "FILE",
         .summary =
             "compare all results and the journal with their checksums; exit with 3 and a list of what is "
             "damaged",
         .options = {output_mode},
         .run = run_validate},
        {.name = "export",
         .arguments = "FILE",
         .summary = "write one row for each task: how it went, and its result",
         .options = {map,
                     {.name = "format",
                      .placeholder = "KIND",
                      .help = "comma-separated values, which is the default, or one JSON object in each line",
                      .allowed = {"csv", "jsonl"}},
                     {.name = "values", .help = "write out also results of more than 64 numbers"},
                     {.name = "output",
                      .short_name = "o",
                      .placeholder = "FILE",
                      .help = "write to this file, not to standard output"}},
         .run = run_export},
        {.name = "show",
         .arguments = "FILE --task N",
         .summary = "show all that is known about one task: attempts, errors, what it printed, when and "
                    "where it ran, its result",
         .options = {{.name = "task", .placeholder = "N", .help = "number of the task, from 0 on"},
                     map,
                     output_mode},
         .run = run_show},
        {.name = "merge",
         .arguments = "FILE... -o FILE",
         .summary = "join the files of all shards of a run, as --shard has made them; exit with 4 when "
                    "tasks have failed, with 75 when the run is not complete",
         .options = {{.name = "output",
                      .short_name = "o",
                      .placeholder = "FILE",
                      .help = "the file with all results"},
                     {.name = "allow-missing",
                      .help = "merge although shards are missing: the file stays unfinished, and plenum "
                              "resume runs their tasks"}},
         .most_files = io::most_shards,
         .run = run_merge},
    };
    return commands;
}

int run_file_command(FileRequest const& request) {
    std::fflush(nullptr);
    auto const parent = ::getpid();
    auto const child = ::fork();
    if (child < 0) return run_here(request);
    if (child == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (::getppid() != parent) ::_exit(static_cast<int>(ExitCode::environment));
        auto const code = run_here(request);
        std::fflush(nullptr);
        ::_exit(code);
    }
    // A signal from the terminal goes to both; what it does to the child decides.
    std::signal(SIGINT, SIG_IGN);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status)) return WEXITSTATUS(status);
    auto const signal = WTERMSIG(status);
    if (signal == SIGINT || signal == SIGTERM || signal == SIGPIPE || signal == SIGKILL) return 128 + signal;
    print_error(fmt::format("{}: is damaged (HDF5 ended with SIG{} while it read it); restore it from a copy",
                            request.files.front(), ::sigabbrev_np(signal)));
    return static_cast<int>(ExitCode::environment);
}

}  // namespace plenum::app
