// Where the engine puts results: the interface.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "io/journal_records.hpp"
#include "io/result_records.hpp"

namespace plenum::io {

/// Number of a map in its sink.
using MapId = int;

/// Consecutive tasks.
struct TaskSpan {
    std::uint64_t first = 0;
    std::uint64_t count = 0;
};

/// A failed attempt of a task that has no result.
struct EarlierAttempt {
    std::uint64_t task = 0;
    int attempt = 1;
    FailureCause cause = FailureCause::exception;
    bool counts = false;  ///< since then the task has not failed for good: it is still to run again
};

/// What earlier processes of the run have left of a map.
struct EarlierResults {
    std::vector<TaskSpan> done{};   ///< ascending
    std::vector<Failure> failed{};  ///< the last failure of each task that has failed for good, ascending
    std::vector<std::uint64_t>
        quarantined{};  ///< of those, the ones that have failed for good with the death of the last process
    std::vector<std::uint64_t> at_death{};   ///< were at work when a process of the run died, ascending
    std::vector<EarlierAttempt> attempts{};  ///< all, in their order
};

/// How a process leaves its run.
enum class RunEnd : std::uint8_t {
    published,  ///< the file has its final name
    resumable,  ///< what is committed stays
    nothing,    ///< nothing stays
};

/// Takes results in any order and makes them visible all at once. A result counts as done once it is
/// committed: then no kill and no loss of power can take it back, and the run can be resumed. Not
/// thread-safe: one thread at a time. A wrong call (unknown map, task out of range, wrong number of bytes, a
/// call after publish) throws UsageError; a full or broken disk throws EnvironmentError, after which only
/// destruction makes sense.
class ResultSink {
public:
    ResultSink() = default;
    ResultSink(ResultSink const&) = delete;
    ResultSink& operator=(ResultSink const&) = delete;
    /// Commits. Without an earlier publish what is committed remains, to be resumed; without results nothing.
    virtual ~ResultSink() = default;

    /// Makes room for a map, or goes on with one that earlier processes have begun: then a difference between
    /// the two is a UsageError that names it. Several maps can be open at the same time.
    [[nodiscard]] virtual MapId begin_map(MapSpec const& spec) = 0;
    /// To be asked before results are put.
    [[nodiscard]] virtual EarlierResults earlier_results(MapId map) const = 0;
    /// Results of the tasks [first, first + count) of a fixed map, one after the other, row-major. Each task
    /// can be put once.
    virtual void put_fixed(MapId map, std::uint64_t first, std::uint64_t count,
                           std::span<std::byte const> values) = 0;
    /// Results of the tasks first, first + 1, ... of a fixed map that were compressed one by one
    /// (ResultPacker), and the bytes of each. Of a map that was begun as `packed`.
    virtual void put_packed(MapId map, std::uint64_t first, std::span<std::uint64_t const> lengths,
                            std::span<std::byte const> packed) = 0;
    /// Results of the tasks first, first + 1, ... of a ragged map: their lengths in elements and their values
    /// one after the other. Each task can be put once.
    virtual void put_ragged(MapId map, std::uint64_t first, std::span<std::uint64_t const> lengths,
                            std::span<std::byte const> values) = 0;
    /// When tasks ran, by this process or, from 1 on, an earlier one of the run. If a task has several rows
    /// the last one counts.
    virtual void put_timing(MapId map, std::span<TimingRow const> rows, std::uint32_t process = 0) = 0;
    /// The numbers here of processes of another run, whose results this one is given.
    [[nodiscard]] virtual std::vector<std::uint32_t> process_numbers(
        std::vector<RunRecord> const& runs) const = 0;
    /// What was printed. Of what one task, and all together, print only a beginning is kept. Counts with the
    /// next results that are committed.
    virtual void put_printed(Printed printed) = 0;
    /// All that is kept of it, also by earlier processes.
    [[nodiscard]] virtual std::vector<Printed> const& printed() const = 0;
    /// Records a failed attempt of a task that has no result. It counts as failed unless a result is put
    /// later.
    virtual void put_failure(MapId map, Failure const& failure) = 0;
    /// Reads results of a fixed map back, until publish.
    virtual void read_fixed(MapId map, std::uint64_t first, std::uint64_t count,
                            std::span<std::byte> values) = 0;
    /// Nothing more comes for this map. Tasks without result and failure are marked as not run.
    virtual void end_map(MapId map) = 0;
    /// Stores an array under `path` (such as "inputs/filters"; parents are made), row-major. One that an
    /// earlier process has stored there has to be the same, unless results of maps before it have changed
    /// since. `maps`: how many maps of the job are before it; without it, those that were begun by now.
    virtual void write_array(std::string const& path, ElementType type, Shape const& shape,
                             std::span<std::byte const> values, std::vector<Attribute> const& attributes,
                             std::optional<std::uint32_t> maps = {}) = 0;
    /// Waits until all that was put is on the disk.
    virtual void commit() = 0;
    /// Commits when that is due. Returns the nanoseconds until it should be called again at the latest.
    virtual std::uint64_t commit_if_due() = 0;
    /// Completes the file, syncs it to the disk and gives it its final name. Readers see all of it or
    /// nothing; a kill at any moment leaves either the final file or what was committed.
    virtual void publish(Provenance const& provenance) = 0;
    /// For a process that is about to end; any thread, also while another call is under way: then without
    /// `stopped`. Nothing is committed any more. What is committed stays; of a run without results nothing
    /// does.
    virtual RunEnd leave(bool stopped) = 0;
    /// Bytes of results taken so far by this process.
    [[nodiscard]] virtual std::uint64_t bytes_written() const = 0;
};

}  // namespace plenum::io
