// What a result file has taken and not yet told the journal, map by map.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "io/journal.hpp"
#include "io/map_record.hpp"

namespace plenum::io {

class PendingRecords {
public:
    /// Of the map with that number.
    explicit PendingRecords(std::uint32_t map) : map_(map) {}

    /// Results that lie in the partial file, and their size. Neighbours get one checksum.
    void add_results(Segment const& results, std::uint64_t bytes);
    /// By that process of the run. Many rows are written on the way.
    void add_timing(std::span<TimingRow const> rows, std::uint32_t process, Journal& journal, MapRecord& map);
    /// Appends it all to the journal and notes in `map` where it is.
    void write(Journal& journal, MapRecord& map);

private:
    void write_timing(Journal& journal, MapRecord& map);

    std::uint32_t map_;
    std::vector<Segment> segments_;
    std::vector<TimingRow> timing_;
    std::uint32_t process_ = 0;  // of timing_
};

}  // namespace plenum::io
