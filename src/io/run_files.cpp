#include "io/run_files.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <plenum/error.hpp>

#include "io/partial_contents.hpp"
#include "io/positional.hpp"

namespace plenum::io {
namespace {

bool exists(std::string const& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0;
}

void remove_file(std::string const& path) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
        throw EnvironmentError(
            fmt::format("{}: in the way and cannot be removed ({}); remove it or choose another name with -o",
                        path, std::strerror(errno)));
}

RunRecord this_process(RunIdentity const& identity, std::vector<std::string> hosts) {
    std::array<char, 256> host{};
    ::gethostname(host.data(), host.size() - 1);
    auto const now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    return {.unix_seconds = now.time_since_epoch().count(),
            .host = host.data(),
            .build = identity.build,
            .command_line = identity.command_line,
            .hosts = std::move(hosts)};
}

/// In this order a kill in between leaves nothing that looks like results.
void remove_run(std::string const& path) {
    remove_file(path + ".packed");
    remove_file(partial_path_of(path));
    remove_file(journal_path_of(path));
}

}  // namespace

RunFiles::RunFiles(RunFilesOptions options) : options_(std::move(options)) {
    refuse_existing(options_.path, options_.existing);
    lock_ = std::make_unique<RunLock>(options_.path, options_.lock);
    try {
        refuse_existing(options_.path,
                        options_.existing);  // a run that held the lock may have published meanwhile
        // What it replaces later is what was there now.
        bool const may_resume = options_.existing == ExistingFile::resume;
        if (may_resume)
            options_.existing = exists(options_.path) ? ExistingFile::replace : ExistingFile::refuse;
        recover();
        auto const deaths_path = deaths_path_of(options_.path);
        if (!options_.restart) deaths_ = read_deaths(deaths_path, run_key(options_.identity));
        if (deaths_.empty()) remove_file(deaths_path);  // of another run
        if (recorded_) {
            runs_ = recorded_->runs;
        } else {
            if (may_resume) refuse_existing(options_.path, ExistingFile::refuse);
            begin();
        }
        for (auto const& run : options_.earlier)
            if (std::ranges::find(runs_, run) == runs_.end()) add(run);
        add(this_process(options_.identity, options_.hosts));
        journal_->append(RecordKind::options, {encode(options_.options).view()});
    } catch (...) {
        lock_->release();
        throw;
    }
}

void RunFiles::add(RunRecord run) {
    journal_->append(RecordKind::run, {encode(run).view()});
    runs_.push_back(std::move(run));
}

void RunFiles::recover() {
    auto const& path = options_.path;
    auto const journal_path = journal_path_of(path);
    bool const has_partial = exists(partial_path_of(path));
    if (options_.restart) return;
    if (!exists(journal_path)) {
        if (has_partial)
            throw EnvironmentError(fmt::format(
                "{}: has no journal, so nobody knows which results are in it; remove it, or let --restart "
                "do that",
                partial_path_of(path)));
        return;
    }
    auto recorded = read_journal(journal_path);
    if (!recorded || !recorded->has_results() || recorded->end.id == options_.published_journal) return;
    if (!has_partial)
        throw EnvironmentError(
            fmt::format("{}: is missing, but {} tells of results in it; put it back, or discard them "
                        "with --restart",
                        partial_path_of(path), journal_path));
    if (auto const why = difference(recorded->identity, options_.identity); !why.empty())
        throw other_run_error(path, why);
    resume(std::move(*recorded));
}

void RunFiles::resume(RecordedRun recorded) {
    auto const& path = options_.path;
    if (options_.say && recorded.identity.build != options_.identity.build)
        options_.say(fmt::format(
            "warning: {} was begun by another build of this program; if its tasks compute something "
            "else now, use --restart",
            partial_path_of(path)));
    partial_ = std::make_unique<PartialFile>(path, options_.existing, PartialFile::Begin::resume);
    journal_ = std::make_unique<Journal>(journal_path_of(path), recorded.end);
    if (recorded.undo) {
        partial_->restore(*recorded.undo);
        partial_->sync();
        journal_->append(RecordKind::undone, {});
        journal_->commit();
        recorded.undo.reset();
    }
    if (recorded.layout &&
        layout_of(*partial_, data_ranges(recorded.maps, recorded.arrays)) != *recorded.layout)
        throw EnvironmentError(fmt::format(
            "{}: is damaged outside of its results (somebody changed it, or the disk did); restore it "
            "from a copy, or discard its results with --restart",
            partial_path_of(path)));
    remove_file(packed_path());
    recorded_ = std::move(recorded);
}

void RunFiles::begin() {
    auto const& path = options_.path;
    remove_run(path);
    try {
        journal_ = std::make_unique<Journal>(journal_path_of(path));
        partial_ = std::make_unique<PartialFile>(path, options_.existing, PartialFile::Begin::fresh);
    } catch (...) {
        if (journal_) ::unlink(journal_path_of(path).c_str());
        throw;
    }
    journal_->append(RecordKind::identity, {encode(options_.identity).view()});
}

void RunFiles::remove_others() {
    remove_file(deaths_path_of(options_.path));
    remove_run(options_.path);
    lock_->release();
}

RunEnd RunFiles::leave(bool keep, bool stopped) {
    auto const end = !partial_->forbid_publishing() ? RunEnd::published
                     : keep                         ? RunEnd::resumable
                                                    : RunEnd::nothing;
    bool const clears = end != RunEnd::published && lock_->is_mine();
    if (clears) ::unlink(packed_path().c_str());  // would be made anew
    if (end == RunEnd::nothing && clears)
        for (auto const& name : {partial_path_of(options_.path), journal_path_of(options_.path)})
            ::unlink(name.c_str());
    if (stopped) lock_->release();
    return end;
}

UsageError other_run_error(std::string const& path, std::string const& difference) {
    return UsageError(
        fmt::format("{}: was begun by another run ({}); use the same options, choose another file with -o, "
                    "or discard its results with --restart",
                    partial_path_of(path), difference));
}

void remove_left_overs(std::string const& path, std::uint64_t published_journal) {
    if (!exists(journal_path_of(path))) return;
    std::optional<RunLock> lock;
    try {
        lock.emplace(path);
    } catch (EnvironmentError const&) {
        return;  // somebody is at work there
    }
    auto const recorded = read_journal(journal_path_of(path));
    if (recorded && recorded->end.id == published_journal) {
        remove_run(path);
        remove_file(deaths_path_of(path));
    }
    lock->release();
}

}  // namespace plenum::io
