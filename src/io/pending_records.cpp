#include "io/pending_records.hpp"

#include "base/crc32c.hpp"
#include "io/journal_records.hpp"

namespace plenum::io {
namespace {

constexpr std::size_t most_rows = 16384;

}  // namespace

void PendingRecords::add_results(Segment const& results, std::uint64_t bytes) {
    if (segments_.empty() || segments_.back().first + segments_.back().count != results.first) {
        segments_.push_back(results);
        return;
    }
    auto& segment = segments_.back();
    segment.count += results.count;
    segment.crc = base::crc32c_joined(segment.crc, results.crc, bytes);
}

void PendingRecords::add_timing(std::span<TimingRow const> rows, std::uint32_t process, Journal& journal,
                                MapRecord& map) {
    if (process != process_) write_timing(journal, map);
    process_ = process;
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
        RecordKind::timing,
        {encode(TimingHead{.map = map_, .process = process_}).view(), std::as_bytes(std::span(timing_))});
    map.timing.push_back(
        {.rows = timing_.size(), .position = position + TimingHead::bytes, .process = process_});
    map.timing_rows += timing_.size();
    timing_.clear();
}

}  // namespace plenum::io
