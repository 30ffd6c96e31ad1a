// Reads from a published file what it is.
#include <fmt/format.h>
#include <unistd.h>

#include <charconv>

#include "hdf5/file.hpp"
#include "hdf5/publishing.hpp"
#include "hdf5/result_file.hpp"
#include "hdf5/values.hpp"

namespace plenum::hdf5 {
namespace {

/// Nothing for a file that is none of ours.
std::optional<std::int64_t> format_of(File const& file) {
    auto const root = call::g_open(file, "/");
    if (read_text_attribute(root, "format") != "plenum") return std::nullopt;
    return read_number_attribute(root, "format_version");
}

}  // namespace

std::optional<FinishedRun> read_finished_run(std::string const& path) {
    if (::access(path.c_str(), F_OK) != 0) return std::nullopt;
    try {
        File file(path, FileMode::read);
        if (format_of(file) != format_version || !path_exists(file, "/provenance")) return std::nullopt;
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

void refuse_other_format(std::string const& path) {
    if (::access(path.c_str(), F_OK) != 0) return;
    std::optional<std::int64_t> format;
    try {
        format = format_of(File(path, FileMode::read));
    } catch (CallError const&) {
        return;
    }
    if (format && *format != format_version) throw other_format_error(path, *format);
}

EnvironmentError other_format_error(std::string const& path, std::int64_t version) {
    return EnvironmentError(
        fmt::format("{}: its format is version {}, this Plenum knows {}; use the Plenum that wrote it, or "
                    "replace the file "
                    "(plenum run with --force)",
                    path, version, format_version));
}

}  // namespace plenum::hdf5
