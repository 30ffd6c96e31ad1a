// The payloads of the journal's records: encoding and decoding. Decoding throws FieldError.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "io/fields.hpp"
#include "io/map_record.hpp"
#include "io/result_records.hpp"

namespace plenum::io {

/// An array that was stored beside the maps.
struct ArrayRecord {
    std::string path{};
    ElementType type = ElementType::f64;
    Shape shape{};
    std::uint32_t crc = 0;
    std::uint64_t offset = 0;  ///< of its bytes in the partial file
    std::uint32_t maps = 0;    ///< maps of the job before it: it may have been computed from their results
    bool outdated = false;     ///< these have changed since it was stored; not a part of the record
};

/// A process that began, or went on with, the run.
struct RunRecord {
    std::int64_t unix_seconds = 0;
    std::string host{};
    std::string build{};
    std::string command_line{};
    std::vector<std::string> hosts{};  ///< of its ranks
    friend bool operator==(RunRecord const&, RunRecord const&) = default;
};

/// A part of the partial file.
struct SavedBytes {
    std::uint64_t offset = 0;
    std::vector<std::byte> bytes{};
};

/// What takes back a change of the partial file: the parts that HDF5 may have changed, and the length.
struct Undo {
    std::uint64_t file_bytes = 0;
    std::vector<SavedBytes> parts{};
};

/// What the partial file holds outside of results and arrays: HDF5's structures, which nobody else changes.
struct LayoutRecord {
    std::uint64_t file_bytes = 0;
    std::uint32_t crc = 0;
    friend bool operator==(LayoutRecord const&, LayoutRecord const&) = default;
};

/// Results of a fixed map: their segments, when they are done and when they are discarded.
struct ResultsRecord {
    std::uint32_t map = 0;
    std::vector<Segment> segments{};
};

/// What stands in front of the lengths of ragged results.
struct RaggedHead {
    std::uint32_t map = 0;
    std::uint64_t first = 0;
    std::uint64_t count = 0;
    static constexpr std::uint64_t bytes = 20;
};

/// What stands in front of rows of timing, which lie as they are in memory.
struct TimingHead {
    std::uint32_t map = 0;
    std::uint32_t process = 0;  ///< of the run, from 1, on whose clock and ranks the rows are
    static constexpr std::uint64_t bytes = 8;
};
static_assert(sizeof(TimingRow) == 40 && std::is_trivially_copyable_v<TimingRow>);

struct FailureRecord {
    std::uint32_t map = 0;
    Failure failure{};
};

[[nodiscard]] FieldWriter encode(RunIdentity const& identity);
[[nodiscard]] FieldWriter encode(RunRecord const& run);
[[nodiscard]] FieldWriter encode(std::vector<RecordedOption> const& options);
[[nodiscard]] FieldWriter encode(MapRecord const& map);  ///< spec, result_bytes and offset
[[nodiscard]] FieldWriter encode(ArrayRecord const& array);
[[nodiscard]] FieldWriter encode(Undo const& undo);
[[nodiscard]] FieldWriter encode(LayoutRecord const& layout);
[[nodiscard]] FieldWriter encode(ResultsRecord const& results);
[[nodiscard]] FieldWriter encode(RaggedHead const& head);
[[nodiscard]] FieldWriter encode(TimingHead const& head);
[[nodiscard]] FieldWriter encode(FailureRecord const& failure);
[[nodiscard]] FieldWriter encode(Printed const& printed);

[[nodiscard]] RunIdentity decode_identity(std::span<std::byte const> payload);
[[nodiscard]] RunRecord decode_run(std::span<std::byte const> payload);
[[nodiscard]] std::vector<RecordedOption> decode_options(std::span<std::byte const> payload);
[[nodiscard]] MapRecord decode_map(std::span<std::byte const> payload);
[[nodiscard]] ArrayRecord decode_array(std::span<std::byte const> payload);
[[nodiscard]] Undo decode_undo(std::span<std::byte const> payload);
[[nodiscard]] LayoutRecord decode_layout(std::span<std::byte const> payload);
[[nodiscard]] ResultsRecord decode_results(std::span<std::byte const> payload);
[[nodiscard]] RaggedHead decode_ragged(std::span<std::byte const> payload);
[[nodiscard]] TimingHead decode_timing(std::span<std::byte const> payload);
[[nodiscard]] FailureRecord decode_failure(std::span<std::byte const> payload);
[[nodiscard]] Printed decode_printed(std::span<std::byte const> payload);

}  // namespace plenum::io
