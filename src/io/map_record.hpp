// What is known about one map while its results come in, or from the journal of a run that has ended.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "io/index_ranges.hpp"
#include "io/result_records.hpp"

namespace plenum::io {

/// Tasks of which at least one attempt failed.
struct Attempts {
    int failed = 0;           ///< number of the last failed attempt
    bool has_result = false;  ///< whether a result came after that
    bool retried = false;     ///< another attempt was to come after that

    /// For good.
    [[nodiscard]] bool is_failed() const noexcept { return !has_result && !retried; }
};

/// Results of consecutive tasks of a map of fixed shape, and their checksum.
struct Segment {
    std::uint64_t first = 0;
    std::uint64_t count = 0;
    std::uint32_t crc = 0;  ///< CRC-32C of their bytes
};

/// Results of consecutive tasks of a ragged map, as they lie in the journal.
struct RaggedPiece {
    std::uint64_t first = 0;
    std::uint64_t count = 0;
    std::uint64_t bytes = 0;     ///< of all values
    std::uint64_t position = 0;  ///< of the lengths, a u64 for each task, which the values follow
};

/// Results of consecutive tasks of a map of fixed shape that were compressed one by one, as they lie in the
/// journal.
struct PackedPiece {
    std::uint64_t count = 0;
    std::uint64_t bytes = 0;     ///< of all packed results
    std::uint64_t position = 0;  ///< of their lengths in bytes, a u64 for each task, which the results follow
};

/// Rows of timing, as they lie in the journal.
struct TimingPiece {
    std::uint64_t rows = 0;
    std::uint64_t position = 0;
    std::uint32_t process = 0;  ///< of the run, from 1, on whose clock and ranks they are
};

struct MapRecord {
    MapSpec spec{};
    std::uint64_t result_bytes = 0;  ///< of one result; fixed maps only
    std::uint64_t offset = 0;        ///< of the results in the partial file; fixed maps only
    IndexRanges done{};              ///< tasks with a result
    std::map<std::uint64_t, Attempts> attempts{};
    std::vector<Failure> failures{};
    std::vector<Segment> segments{};
    std::vector<RaggedPiece> pieces{};
    std::map<std::uint64_t, PackedPiece> packed{};  ///< by first task
    std::vector<TimingPiece> timing{};
    std::uint64_t timing_rows = 0;
    bool begun = false;  ///< by this process
    bool ended = false;

    void mark_done(std::uint64_t first, std::uint64_t count) {
        done.add(first, count);
        for (auto at = attempts.lower_bound(first); at != attempts.end() && at->first < first + count; ++at)
            at->second.has_result = true;
    }
    /// The segments in [first, first + count) do not count any more.
    void discard(std::uint64_t first, std::uint64_t count) {
        done.remove(first, count);
        std::erase_if(segments, [&](Segment const& each) {
            return each.first < first + count && each.first + each.count > first;
        });
    }
    /// Crashes of the task since it has failed for good, if ever.
    [[nodiscard]] std::uint32_t crashes(std::uint64_t task) const {
        std::uint32_t crashes = 0;
        for (auto const& failure : failures)
            if (failure.task == task)
                crashes = !failure.retried ? 0 : crashes + (failure.cause == FailureCause::crash ? 1 : 0);
        return crashes;
    }
    /// The tasks that have failed are to run again.
    void retry_failed() {
        for (auto& [task, tries] : attempts) tries.retried = tries.retried || tries.is_failed();
    }
    void mark_failed(Failure const& failure) {
        failures.push_back(failure);
        attempts[failure.task] = {.failed = failure.attempt, .has_result = false, .retried = failure.retried};
    }
};

}  // namespace plenum::io
