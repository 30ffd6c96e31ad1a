// Finds out which files there are of a run.
#include "hdf5/open_run.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <plenum/error.hpp>

#include "hdf5/result_file.hpp"
#include "io/journal_format.hpp"
#include "io/journal_reader.hpp"
#include "io/partial_file.hpp"
#include "io/run_lock.hpp"

namespace plenum::hdf5 {
namespace {

/// Whether the journal beside a finished file is that of another run.
bool is_later(std::string const& output) {
    auto const finished = read_finished_run(output);
    try {
        io::JournalReader const journal(io::journal_path_of(output));
        // One that has told nothing yet counts only while it is at work.
        bool const says_something =
            !journal.empty() && (!journal.records().empty() || io::RunLock::holder(output));
        return !finished || (says_something && journal.end().id != finished->journal);
    } catch (EnvironmentError const&) {
        return !finished || ::access(io::journal_path_of(output).c_str(), F_OK) == 0;
    }
}

}  // namespace

std::unique_ptr<io::RunReader> open_run(std::string const& name, Prefer prefer) {
    auto const output = io::output_of(name);
    auto const exists = [](std::string const& path) { return ::access(path.c_str(), F_OK) == 0; };
    // A run may publish in any moment: then what was looked for first is gone.
    for (int tries = 0; tries < 3; ++tries) {
        bool const has_journal = exists(io::journal_path_of(output));
        bool const unfinished =
            has_journal &&
            (!exists(output) || ((name != output || prefer == Prefer::latest) && is_later(output)));
        if (unfinished) {
            try {
                return io::read_unfinished(output);
            } catch (EnvironmentError const&) {
                if (exists(io::journal_path_of(output)) && exists(io::partial_path_of(output))) throw;
                continue;
            }
        }
        if (exists(output)) return read_finished(output);
    }
    throw EnvironmentError(fmt::format(
        "{}: there is no such file, nor an unfinished run of it; give the name that stood behind -o",
        output));
}

}  // namespace plenum::hdf5
