// The command plenum.
#include <unistd.h>

#include <plenum/error.hpp>
#include <plenum/version.hpp>
#include <string>
#include <vector>

#include "app/command_line.hpp"
#include "app/launch.hpp"
#include "app/run_job.hpp"
#include "app/terminal.hpp"
#include "app/unfinished_run.hpp"
#include "mpi/mpi_session.hpp"

int main(int argc, char** argv) {
    using namespace plenum;
    auto const techniques = app::technique_names();
    bool const speaks = mpi::launched_rank() == 0;  // every rank parses the same words to the same end
    app::Command command;
    try {
        command =
            app::parse_command_line(argc, argv, app::JobRegistry::global(),
                                    {.version = std::string("plenum ") + version + " (" + git_revision + ")",
                                     .techniques = techniques});
    } catch (Error const& error) {
        if (speaks) app::print_error(error.what());
        return static_cast<int>(error.exit_code());
    }
    if (command.kind == app::CommandKind::file) return speaks ? app::run_file_command(command.file) : 0;
    if (command.kind != app::CommandKind::run) {
        if (speaks) app::write_all(STDOUT_FILENO, command.text);
        return 0;
    }
    std::string arguments;
    for (int i = 0; i < argc; ++i) {
        if (i > 0) arguments += ' ';
        arguments += argv[i];
    }
    std::function<app::LookedUp(app::RunOptions&)> look_up;
    if (command.resumes)
        look_up = [&](app::RunOptions& options) { return app::take_unfinished(command, options); };
    if (command.retries)
        look_up = [&](app::RunOptions& options) { return app::take_failed(command, options); };
    return app::launch({.options = command.options,
                        .given = command.given_options,
                        .fixed = command.fixed_options,
                        .jobs = &app::JobRegistry::global(),
                        .job = command.job,
                        .look_up = look_up},
                       [&](app::RunOptions const& agreed) {
                           command.options = agreed;
                           return app::make_job_program(command, arguments);
                       });
}
