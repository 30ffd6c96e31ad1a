#include "io/copy_run.hpp"

#include <algorithm>
#include <map>
#include <vector>

#include "base/crc32c.hpp"

namespace plenum::io {
namespace {

constexpr std::uint64_t bytes_at_once = 16 << 20;
constexpr std::size_t rows_at_once = 1 << 14;

/// Tasks that are read together.
std::uint64_t tasks_at_once(MapRecord const& map) {
    return map.spec.fixed
               ? std::max<std::uint64_t>(1, bytes_at_once / std::max<std::uint64_t>(1, map.result_bytes))
               : 1 << 14;
}

/// Calls visit(first, count, bytes, lengths) for the results of a segment, in order.
template <class Visit>
void for_each_block(RunReader& from, std::size_t number, TaskSpan tasks, Visit&& visit) {
    auto const& map = from.run().maps.at(number);
    auto const at_once = tasks_at_once(map);
    for (auto first = tasks.first; first < tasks.first + tasks.count; first += at_once) {
        auto const count = std::min(at_once, tasks.first + tasks.count - first);
        if (map.spec.fixed) {
            visit(first, count, from.fixed(number, first, count), std::vector<std::uint64_t>());
        } else {
            auto block = from.ragged_block(number, first, count);
            visit(first, count, std::move(block.values), std::move(block.lengths));
        }
    }
}

bool is_sound(RunReader& from, std::size_t number, Segment const& segment) {
    std::uint32_t crc = 0;
    try {
        for_each_block(from, number, {segment.first, segment.count},
                       [&](std::uint64_t, std::uint64_t, std::vector<std::byte> const& bytes, auto const&) {
                           crc = base::crc32c(bytes, crc);
                       });
    } catch (EnvironmentError const&) {
        return false;
    }
    return crc == segment.crc;
}

void copy_timing(RunReader& from, std::size_t number, ResultSink& to, MapId id, IndexRanges const& earlier) {
    auto const numbers = to.process_numbers(from.run().runs);
    std::map<std::uint32_t, std::vector<TimingRow>> rows;  // by process
    from.for_each_timing(number, [&](StoredTiming const& timing) {
        if (earlier.intersects(timing.row.first, timing.row.count)) return;
        auto& of_process = rows[timing.process];
        of_process.push_back(timing.row);
        if (of_process.size() < rows_at_once) return;
        to.put_timing(id, of_process, numbers.at(timing.process - 1));
        of_process.clear();
    });
    for (auto const& [process, last] : rows) to.put_timing(id, last, numbers.at(process - 1));
}

}  // namespace

std::uint64_t copy_map(RunReader& from, std::size_t number, ResultSink& to, MapId id) {
    auto const& map = from.run().maps.at(number);
    IndexRanges earlier;
    auto const known = to.earlier_results(id);
    for (auto const& [first, count] : known.done) earlier.add(first, count);
    for (auto const& failure : known.failed) earlier.add(failure.task, 1);
    for (auto const& failure : map.failures)
        if (!earlier.intersects(failure.task, 1)) to.put_failure(id, failure);
    // Before the results: whatever is committed, both are there or neither.
    for (auto printed : from.run().printed) {
        if (printed.map != static_cast<std::int32_t>(number)) continue;
        if (earlier.intersects(printed.first, printed.count)) continue;
        printed.map = id;
        to.put_printed(std::move(printed));
    }
    std::uint64_t damaged = 0;
    for (auto const& segment : map.segments) {
        std::vector<TaskSpan> todo;
        earlier.for_each_gap(segment.first, segment.first + segment.count,
                             [&](std::uint64_t first, std::uint64_t last) {
                                 todo.push_back({first, last - first});
                             });
        if (todo.empty()) continue;
        if (!is_sound(from, number, segment)) {
            for (auto const& tasks : todo) damaged += tasks.count;
            continue;
        }
        for (auto const& tasks : todo)
            for_each_block(from, number, tasks,
                           [&](std::uint64_t first, std::uint64_t count, std::vector<std::byte> const& bytes,
                               std::vector<std::uint64_t> const& lengths) {
                               if (map.spec.fixed)
                                   to.put_fixed(id, first, count, bytes);
                               else
                                   to.put_ragged(id, first, lengths, bytes);
                           });
    }
    copy_timing(from, number, to, id, earlier);
    return damaged;
}

std::vector<Printed> printed_by_no_task(std::vector<Printed> all) {
    std::erase_if(all, [](Printed const& each) { return each.map >= 0; });
    return all;
}

void copy_printed(RunReader const& from, ResultSink& to, std::vector<Printed>& known) {
    for (auto& printed : printed_by_no_task(from.run().printed)) {
        if (auto const same = std::ranges::find(known, printed); same != known.end())
            known.erase(same);
        else
            to.put_printed(std::move(printed));
    }
}

bool copy_array(RunReader& from, std::size_t number, ResultSink& to) {
    auto const& array = from.run().arrays.at(number);
    auto const bytes = from.array(number);
    if (base::crc32c(bytes) != array.crc) return false;
    to.write_array(array.path, array.type, array.shape, bytes, from.array_attributes(number), array.maps);
    return true;
}

}  // namespace plenum::io
