#include "io/pending_records.hpp"

#include "base/crc32c.hpp"
#include "io/journal_records.hpp"

namespace plenum::io {
namespace {

constexpr std::size_t most_rows = 16384;

}  // namespace

void PendingRecords::add_results(std::uint64_t first, std::uint64_t count,
                                 std::span<std::byte const> values) {
    if (segments_.empty() || segments_.back().first + segments_.back().count != first)
        segments_.push_back({.first = first, .count = 0, .crc = 0});
    auto& segment = segments_.back();
    segment.count += count;
    segment.crc = base::crc32c(values, segment.crc);
}

void PendingRecords::add_timing(std::span<TimingRow const> rows, Journal& journal, MapRecord& map) {
    timing_.insert(timing_.end(), rows.begin(), rows.end());
    if (timing_.size() >= most_rows) write_timing(journal, map);
}

void PendingRecords::write(Journal& journal, MapRecord& map) {
    if (!segments_.empty()) {
        ResultsRecord record{.map = map_, .segments = std::move(segments_)};
        segments_.clear();
        journal.append(RecordKind::results, {encode(record).view()});
        map.segments.insert(map.segments.end(), record.segments.begin(), record.segments.end());
    }
    write_timing(journal, map);
}

void PendingRecords::write_timing(Journal& journal, MapRecord& map) {
    if (timing_.empty()) return;
    auto const position = journal.append(
        RecordKind::timing, {encode(TimingHead{.map = map_}).view(), std::as_bytes(std::span(timing_))});
    map.timing.push_back({.rows = timing_.size(), .position = position + TimingHead::bytes});
    map.timing_rows += timing_.size();
    timing_.clear();
}

}  // namespace plenum::io
