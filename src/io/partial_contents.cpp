#include "io/partial_contents.hpp"

#include <map>

#include "base/crc32c.hpp"

namespace plenum::io {

std::vector<PartialFile::Range> data_ranges(std::vector<MapRecord> const& maps,
                                            std::vector<ArrayRecord> const& arrays) {
    std::vector<PartialFile::Range> ranges;
    for (auto const& map : maps)
        if (map.spec.fixed) ranges.push_back({map.offset, map.spec.tasks * map.result_bytes});
    for (auto const& array : arrays) ranges.push_back({array.offset, bytes_of(array.shape, array.type)});
    std::erase_if(ranges, [](auto const& range) { return range.bytes == 0; });
    return ranges;
}

std::uint64_t discard_damaged(MapRecord& map, std::uint32_t number, PartialFile const& partial,
                              Journal& journal) {
    ResultsRecord damaged{.map = number};
    std::uint64_t tasks = 0;
    for (auto const& segment : map.segments) {
        auto const place = map.offset + segment.first * map.result_bytes;
        if (partial.checksum(place, segment.count * map.result_bytes) == segment.crc) continue;
        damaged.segments.push_back(segment);
        tasks += segment.count;
    }
    if (tasks == 0) return 0;
    for (auto const& segment : damaged.segments) map.discard(segment.first, segment.count);
    journal.append(RecordKind::discarded, {encode(damaged).view()});
    return tasks;
}

std::uint64_t bytes_of(Shape const& shape, ElementType type) {
    auto with_element = shape;
    with_element.push_back(size_of(type));
    return count_of(with_element);
}

LayoutRecord layout_of(PartialFile const& partial, std::vector<PartialFile::Range> data) {
    auto const outside = partial.save(std::move(data));
    LayoutRecord layout{.file_bytes = outside.file_bytes};
    for (auto const& part : outside.parts) layout.crc = base::crc32c(part.bytes, layout.crc);
    return layout;
}

EarlierResults earlier_results(MapRecord const& map) {
    EarlierResults earlier;
    map.done.for_each([&](std::uint64_t begin, std::uint64_t end) {
        earlier.done.push_back({begin, end - begin});
    });
    std::map<std::uint64_t, Failure const*> last;
    std::map<std::uint64_t, std::size_t> final_ones;  // of each task, how many attempts there were until then
    for (auto const& failure : map.failures) {
        if (map.done.intersects(failure.task, 1)) continue;
        last[failure.task] = &failure;
        earlier.attempts.push_back(
            {.task = failure.task, .attempt = failure.attempt, .cause = failure.cause, .counts = true});
        if (!failure.retried) final_ones[failure.task] = earlier.attempts.size();
    }
    for (std::size_t i = 0; i < earlier.attempts.size(); ++i) {
        auto const found = final_ones.find(earlier.attempts[i].task);
        if (found != final_ones.end() && i < found->second) earlier.attempts[i].counts = false;
    }
    for (auto const& [task, failure] : last)
        if (map.attempts.at(task).is_failed()) earlier.failed.push_back(*failure);
    return earlier;
}

}  // namespace plenum::io
