// What a journal says about its run: which tasks are done and where their results are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "io/journal_format.hpp"
#include "io/journal_records.hpp"
#include "io/map_record.hpp"

namespace plenum::io {

struct RecordedRun {
    JournalEnd end;
    RunIdentity identity;
    std::vector<RunRecord> runs;          ///< the processes that worked on it, in order
    std::vector<RecordedOption> options;  ///< of the last of them that recorded any
    std::vector<MapRecord> maps;
    std::vector<ArrayRecord> arrays;
    std::vector<Printed> printed;
    std::optional<LayoutRecord> layout;  ///< of the partial file, once `undo` is carried out
    std::optional<Undo> undo;            ///< a change of the partial file was begun and not ended

    /// Whether any task has ended: otherwise there is nothing to go on with.
    [[nodiscard]] bool has_results() const noexcept;
};

/// Reads and validates a whole journal; takes no lock and changes nothing. Nothing: the journal says nothing
/// yet. Throws what JournalReader throws, and EnvironmentError when records contradict each other.
[[nodiscard]] std::optional<RecordedRun> read_journal(std::string const& journal_path);

/// A result or a failure of the map with that number has come: arrays that were stored after the map may
/// have been computed from what it held before.
void mark_outdated(std::vector<ArrayRecord>& arrays, std::size_t map);

/// Why results of the two may not be mixed, in words that name the option and both values: "--filters was 3
/// and is 4 now"; empty when they may.
[[nodiscard]] std::string difference(RunIdentity const& then, RunIdentity const& now);
/// The same for a map of one name.
[[nodiscard]] std::string difference(MapSpec const& then, MapSpec const& now);
/// One line of hex digits that is equal for equal identities, without regard to build and command line.
[[nodiscard]] std::string fingerprint(RunIdentity const& identity);

}  // namespace plenum::io
