// The files of a run on their way to a result file: lock, partial file and journal, begun or found again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <plenum/error.hpp>
#include <string>
#include <vector>

#include "io/deaths.hpp"
#include "io/journal.hpp"
#include "io/partial_file.hpp"
#include "io/recorded_run.hpp"
#include "io/result_sink.hpp"
#include "io/run_lock.hpp"

namespace plenum::io {

struct RunFilesOptions {
    std::string path{};  ///< final name
    ExistingFile existing = ExistingFile::refuse;
    bool restart = false;                   ///< what an unfinished run has left is discarded
    RunIdentity identity{};                 ///< of this run
    std::vector<RecordedOption> options{};  ///< of this process
    LockOptions lock{};
    std::optional<std::uint64_t> published_journal{};  ///< id of the journal behind the file at `path`
    std::vector<RunRecord> earlier{};  ///< processes of other runs whose results this one is given
    std::vector<std::string> hosts{};  ///< of the ranks of this process
    std::function<void(std::string const&)> say{};  ///< gets one line for the user; may be null
};

/// Takes the lock, then goes on with what an unfinished run of the same identity has left, or begins. A
/// change of the partial file that was interrupted is undone, the torn end of the journal is cut off.
///
/// Throws UsageError when the left files belong to a run of another identity (the message names the
/// difference) or the final file exists and may not be replaced; EnvironmentError when another run holds the
/// lock or the left files are damaged.
class RunFiles {
public:
    explicit RunFiles(RunFilesOptions options);

    [[nodiscard]] PartialFile& partial() noexcept { return *partial_; }
    [[nodiscard]] Journal& journal() noexcept { return *journal_; }
    [[nodiscard]] RunLock const& lock() const noexcept { return *lock_; }
    [[nodiscard]] std::string const& path() const noexcept { return options_.path; }
    /// A file that publishing may make beside the partial file.
    [[nodiscard]] std::string packed_path() const { return options_.path + ".packed"; }
    /// What the unfinished run has left; nothing: this one is new.
    [[nodiscard]] std::optional<RecordedRun> const& recorded() const noexcept { return recorded_; }

    /// Tasks that were at work when earlier processes of the run died, also when those have left nothing
    /// else.
    [[nodiscard]] std::vector<Death> const& deaths() const noexcept { return deaths_; }
    /// The processes that have worked on the run, this one last.
    [[nodiscard]] std::vector<RunRecord> const& runs() const noexcept { return runs_; }
    /// The final file is on the disk: removes the others.
    void remove_others();
    /// The process ends. Any thread; other calls may be under way unless `stopped`, which lets go of the
    /// lock. Without `keep` nothing of the run stays, unless it is published.
    RunEnd leave(bool keep, bool stopped);

private:
    void add(RunRecord run);
    void begin();
    void recover();
    void resume(RecordedRun recorded);

    RunFilesOptions options_;
    std::unique_ptr<RunLock> lock_;
    std::unique_ptr<PartialFile> partial_;
    std::unique_ptr<Journal> journal_;
    std::optional<RecordedRun> recorded_;
    std::vector<RunRecord> runs_;
    std::vector<Death> deaths_;
};

/// Files of an unfinished run that is another than this one.
[[nodiscard]] UsageError other_run_error(std::string const& path, std::string const& difference);

/// Removes what is left beside a published file that was made from it. Does nothing while a run holds the
/// lock.
void remove_left_overs(std::string const& path, std::uint64_t published_journal);

}  // namespace plenum::io
