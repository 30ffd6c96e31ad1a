// Completing a result file: everything that is written once all results are there. Only for the sources of
// this folder.
#pragma once

#include <cstdint>
#include <plenum/error.hpp>
#include <string>
#include <vector>

#include "hdf5/file.hpp"
#include "hdf5/values.hpp"
#include "io/journal.hpp"
#include "io/journal_records.hpp"
#include "io/map_record.hpp"
#include "io/partial_file.hpp"

namespace plenum::hdf5 {

/// Attributes of the file itself.
struct FileFacts {
    std::string software{};
    std::string version{};
    std::string git{};
    std::string created{};  ///< ISO 8601, UTC
};

/// What there is to publish.
struct Publication {
    FileFacts facts{};
    std::vector<io::MapRecord> const& maps;
    std::vector<io::ArrayRecord> const& arrays;
    std::vector<io::RunRecord> const& runs;
    std::vector<io::Printed> const& printed;
    io::RunIdentity const& identity;
    std::vector<io::RecordedOption> const& options;
    io::Provenance const& provenance;
    io::PartialFile& partial;
    io::Journal& journal;
    Storage storage{};
};

/// Of published files; a reader refuses any other.
inline constexpr std::int64_t format_version = 2;
[[nodiscard]] EnvironmentError other_format_error(std::string const& path, std::int64_t version);
/// Attribute of a stored array: io::ArrayRecord::maps.
inline constexpr char const* maps_before = "maps_before";

[[nodiscard]] std::string utc_text(std::int64_t unix_seconds);
/// The other way round; 0 where the text is no such time.
[[nodiscard]] std::int64_t unix_seconds_of(std::string const& utc);
/// The file without any map: its attributes and the group of the results.
void write_root(File& file, FileFacts const& facts);
/// Bytes that write_rest adds, at most.
[[nodiscard]] std::uint64_t bytes_of_rest(Publication const& publication);
/// Ragged results, tables, checksums, provenance: all that the partial file lacks.
void write_rest(File& file, Publication const& publication);
/// Bytes of results that write_packed compresses.
[[nodiscard]] std::uint64_t bytes_to_pack(std::vector<io::MapRecord> const& maps);
/// Makes `path`, a new file with everything, results compressed.
void write_packed(std::string const& path, Publication const& publication);

}  // namespace plenum::hdf5
