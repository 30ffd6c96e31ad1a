// The HDF5 file with the results of a run.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/journal_records.hpp"
#include "io/partial_file.hpp"
#include "io/result_sink.hpp"
#include "io/run_lock.hpp"

namespace plenum::hdf5 {

struct ResultFileOptions {
    std::string path{};  ///< final name
    io::ExistingFile existing = io::ExistingFile::refuse;
    std::string
        take_from{};  ///< a published file: a run that begins takes over what it holds; may be that at `path`
    bool retry_failed = false;  ///< what has failed so far is to run again
    bool restart = false;       ///< discard what an unfinished run has left
    io::RunIdentity
        identity{};  ///< what is being run; of a shard, only the tasks of that get room on the disk
    std::vector<io::RecordedOption> run_options{};  ///< to be known to those who go on with the run
    std::uint32_t crash_limit = 3;  ///< deaths of the run after which a task that was at work has failed
    double commit_seconds = 1;      ///< results wait at most that long until they are on the disk
    int gzip = 0;                   ///< level 1 to 9 of the results in the published file; 0: not compressed
    int pack_threads = 1;           ///< that compress them at a time
    /// Hears how much of them is compressed, chunk by chunk; may be null. What it throws ends the publishing.
    std::function<void(double share)> packed{};
    std::string software = "plenum";  ///< these three become attributes of the file
    std::string version{};
    std::string git{};
    std::vector<std::string> hosts{};      ///< of the ranks of this process
    std::vector<io::RunRecord> earlier{};  ///< processes of other runs whose results it is given
    io::LockOptions lock{};
    std::function<void(std::string const&)> say{};  ///< gets one line for the user; may be null
};

/// Creates `<path>.partial`, a valid HDF5 file that other programs can open for reading at any time, or goes
/// on with one that an unfinished run of the same identity has left. Results of fixed shape go straight to
/// their place in it, with HDF5 out of the way; results of other shapes go to `<path>.journal`, which also
/// says what is done. publish() adds the rest and renames the file to `path`.
///
/// With `take_from` the first map or array begins with a copy of that file, which counts as a whole or not at
/// all; from then on the run is one like any other, which goes on without that file.
///
/// Cost: begin_map and write_array open and close the HDF5 file (about a millisecond, and three syncs once
/// there are results); put_fixed is one system call and a checksum; a commit is two syncs. Throws what
/// io::RunFiles throws.
[[nodiscard]] std::unique_ptr<io::ResultSink> create_result_file(ResultFileOptions options);

/// A file that was published, as far as it concerns those who want to write one of its name.
struct FinishedRun {
    std::string fingerprint{};  ///< io::fingerprint of what was run
    std::uint64_t journal = 0;  ///< id of its journal
    std::uint64_t tasks = 0;
    std::uint64_t without_result = 0;  ///< of them
};

/// Nothing when there is no file at `path`, it is none of ours or of another version of the format.
[[nodiscard]] std::optional<FinishedRun> read_finished_run(std::string const& path);

/// Throws EnvironmentError when the file at `path` is one of ours, of another version of the format.
void refuse_other_format(std::string const& path);

}  // namespace plenum::hdf5
