// Reads from a published file what it is.
#include <unistd.h>

#include <charconv>

#include "hdf5/file.hpp"
#include "hdf5/result_file.hpp"
#include "hdf5/values.hpp"

namespace plenum::hdf5 {

std::optional<FinishedRun> read_finished_run(std::string const& path) {
    if (::access(path.c_str(), F_OK) != 0) return std::nullopt;
    try {
        File file(path, FileMode::read);
        if (!path_exists(file, "/provenance")) return std::nullopt;
        auto const group = call::g_open(file, "/provenance");
        auto const journal = read_text_attribute(group, "journal");
        FinishedRun run{.fingerprint = read_text_attribute(group, "identity"),
                        .journal = 0,
                        .tasks = static_cast<std::uint64_t>(read_number_attribute(group, "tasks")),
                        .without_result =
                            static_cast<std::uint64_t>(read_number_attribute(group, "tasks_without_result"))};
        auto const [end, error] =
            std::from_chars(journal.data(), journal.data() + journal.size(), run.journal, 16);
        if (run.fingerprint.empty() || error != std::errc{}) return std::nullopt;
        return run;
    } catch (CallError const&) {
        return std::nullopt;  // no HDF5 file, or a damaged one
    }
}

}  // namespace plenum::hdf5
