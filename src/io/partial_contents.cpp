#include "io/partial_contents.hpp"

#include <algorithm>
#include <iterator>
#include <map>

namespace plenum::io {

std::vector<PartialFile::Range> data_ranges(std::vector<MapRecord> const& maps,
                                            std::vector<ArrayRecord> const& arrays) {
    std::vector<PartialFile::Range> ranges;
    for (auto const& map : maps)
        if (map.spec.fixed) ranges.push_back({map.offset, map.spec.tasks * map.result_bytes});
    for (auto const& array : arrays)
        ranges.push_back({array.offset, count_of(array.shape) * size_of(array.type)});
    std::erase_if(ranges, [](auto const& range) { return range.bytes == 0; });
    return ranges;
}

std::vector<Segment> damaged_segments(MapRecord const& map, PartialFile const& partial) {
    std::vector<Segment> damaged;
    std::ranges::copy_if(map.segments, std::back_inserter(damaged), [&](Segment const& segment) {
        return partial.checksum(map.offset + segment.first * map.result_bytes,
                                segment.count * map.result_bytes) != segment.crc;
    });
    return damaged;
}

EarlierResults earlier_results(MapRecord const& map) {
    EarlierResults earlier;
    map.done.for_each([&](std::uint64_t begin, std::uint64_t end) {
        earlier.done.push_back({begin, end - begin});
    });
    std::map<std::uint64_t, Failure const*> last;
    for (auto const& failure : map.failures)
        if (!map.done.intersects(failure.task, 1)) last[failure.task] = &failure;
    for (auto const& [task, failure] : last) earlier.failed.push_back(*failure);
    return earlier;
}

}  // namespace plenum::io
