// The tables beside the results: tasks, failures, workers, provenance. Only for the sources of this folder.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hdf5/file.hpp"
#include "hdf5/values.hpp"
#include "io/journal.hpp"
#include "io/journal_records.hpp"
#include "io/map_record.hpp"
#include "io/partial_file.hpp"

namespace plenum::hdf5 {

/// Up to this many tasks each task has a row of timing; above, each chunk of tasks that ran together has one,
/// because some 30 bytes of timing per task would dwarf small results.
inline constexpr std::uint64_t most_timing_rows = 1'000'000;

/// The hosts on which processes of the run had ranks.
class HostTable {
public:
    explicit HostTable(std::vector<io::RunRecord> const& runs);
    /// In the order in which they came.
    [[nodiscard]] std::vector<std::string> const& names() const noexcept { return names_; }
    /// Their number; -1: unknown. `process` counts from 1.
    [[nodiscard]] std::int32_t row(std::uint32_t process, int rank) const noexcept;
    [[nodiscard]] std::size_t processes() const noexcept { return rows_.size(); }

private:
    std::vector<std::string> names_;
    std::vector<std::vector<std::int32_t>> rows_;  // of each rank of each process
};

/// Room that write_tasks needs, at most, in bytes.
[[nodiscard]] std::uint64_t tasks_bytes(io::MapRecord const& map);
/// /tasks/<map>: status, attempts and timing. Columns in which nearly all tasks are alike take no space.
void write_tasks(File& file, io::MapRecord const& map, io::Journal& journal, HostTable const& hosts);
/// /failures/<map>: one row per failed attempt.
void write_failures(File& file, io::MapRecord const& map);
/// /workers: one row per rank.
/// `processes`: that have worked on the run.
void write_workers(File& file, std::vector<io::WorkerRow> const& workers, std::size_t processes);
/// /printed: one row for lines that one task printed together.
void write_printed(File& file, std::vector<io::Printed> const& printed,
                   std::vector<io::MapRecord> const& maps);
/// /provenance, and the attributes of the file that are known only at the end.
void write_provenance(File& file, io::Provenance const& provenance, std::string const& created);
/// /provenance/runs: one row for each process that worked on the results; /provenance/hosts.
void write_runs(File& file, std::vector<io::RunRecord> const& runs, HostTable const& hosts);
/// /results/<map>/values and offsets, in task order. Tasks without a result have length 0. Returns the
/// checksums of the values. Without compression `file` is `partial`, open in HDF5.
[[nodiscard]] std::vector<io::Segment> write_ragged(File& file, io::MapRecord const& map,
                                                    io::Journal& journal, io::PartialFile& partial,
                                                    Storage const& storage);
/// /integrity/<map>: first task, number of tasks and CRC-32C of the bytes of their results, which are those
/// of consecutive tasks with a result, in task order.
void write_integrity(File& file, std::string const& map, std::vector<io::Segment> const& segments);
/// /integrity/<map>/record: the map as the journal describes it, from which failed tasks can be run again.
void write_map_record(File& file, io::MapRecord const& map, std::size_t number);
/// A record of the journal as bytes, with their CRC-32C.
void write_record(hid_t group, char const* name, std::span<std::byte const> record);

}  // namespace plenum::hdf5
