#include "io/recorded_run.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <plenum/error.hpp>

#include "base/blake2b.hpp"
#include "base/units.hpp"
#include "io/journal_reader.hpp"
#include "io/packed_result.hpp"

namespace plenum::io {
namespace {

void require(bool holds) {
    if (!holds) throw FieldError();
}

/// Takes the records in order.
class Replay {
public:
    Replay(JournalReader& reader, RecordedRun& run) : reader_(reader), run_(run) {}

    void take(JournalReader::Record const& record) {
        switch (record.kind) {
            case RecordKind::commit:
                return;
            case RecordKind::identity:
                run_.identity = decode_identity(reader_.payload(record));
                return;
            case RecordKind::run:
                run_.runs.push_back(decode_run(reader_.payload(record)));
                return;
            case RecordKind::options:
                run_.options = decode_options(reader_.payload(record));
                return;
            case RecordKind::map:
                return take_map(decode_map(reader_.payload(record)));
            case RecordKind::array:
                return take_array(decode_array(reader_.payload(record)));
            case RecordKind::results:
                return take_results(decode_results(reader_.payload(record)));
            case RecordKind::discarded:
                return discard(decode_results(reader_.payload(record)));
            case RecordKind::ragged:
                return take_ragged(record);
            case RecordKind::packed:
                return take_packed(record);
            case RecordKind::timing:
                return take_timing(record);
            case RecordKind::failure:
                return take_failure(decode_failure(reader_.payload(record)));
            case RecordKind::undo:
                undo_ = record;
                return;
            case RecordKind::updated:
                run_.layout.reset();
                undo_.reset();
                return;
            case RecordKind::undone:
                undo_.reset();
                return;
            case RecordKind::layout:
                run_.layout = decode_layout(reader_.payload(record));
                return;
            case RecordKind::retry:
                for (auto& map : run_.maps) map.retry_failed();
                return;
            case RecordKind::printed:
                return take_printed(decode_printed(reader_.payload(record)));
        }
        throw EnvironmentError(fmt::format(
            "{}: holds records that this Plenum does not know; resume with the Plenum that wrote it, or "
            "discard it with --restart",
            reader_.path()));
    }

    void finish() {
        if (undo_) run_.undo = decode_undo(reader_.payload(*undo_));
    }

private:
    MapRecord& map_of(std::uint32_t number, std::uint64_t first, std::uint64_t count) {
        require(number < run_.maps.size());
        auto& map = run_.maps[number];
        require(count <= map.spec.tasks && first <= map.spec.tasks - count);
        return map;
    }

    void take_map(MapRecord map) {
        auto sizes = map.spec.shape;
        sizes.insert(sizes.end(), {map.spec.tasks, size_of(map.spec.type)});
        (void)count_of(sizes);  // throws when it is too large
        if (map.spec.fixed) {
            sizes = map.spec.shape;
            sizes.push_back(size_of(map.spec.type));
            require(map.result_bytes == count_of(sizes));
        }
        run_.maps.push_back(std::move(map));
    }

    /// One that was written again is where it is now.
    void take_array(ArrayRecord array) {
        std::erase_if(run_.arrays, [&](ArrayRecord const& each) { return each.path == array.path; });
        run_.arrays.push_back(std::move(array));
    }

    void take_results(ResultsRecord const& results) {
        for (auto const& segment : results.segments) {
            auto& map = map_of(results.map, segment.first, segment.count);
            require(map.spec.fixed && !map.done.intersects(segment.first, segment.count));
            map.segments.push_back(segment);
            map.mark_done(segment.first, segment.count);
        }
        mark_outdated(run_.arrays, results.map);
    }

    void discard(ResultsRecord const& results) {
        for (auto const& segment : results.segments)
            map_of(results.map, segment.first, segment.count).discard(segment.first, segment.count);
        mark_outdated(run_.arrays, results.map);
    }

    void take_ragged(JournalReader::Record const& record) {
        auto const head = decode_ragged(reader_.payload(record, RaggedHead::bytes));
        auto& map = map_of(head.map, head.first, head.count);
        auto const behind = record.bytes - RaggedHead::bytes;
        require(!map.spec.fixed && head.count <= behind / sizeof(std::uint64_t));
        require(!map.done.intersects(head.first, head.count));
        auto const values = behind - head.count * sizeof(std::uint64_t);
        map.pieces.push_back({.first = head.first,
                              .count = head.count,
                              .bytes = values,
                              .position = record.position + RaggedHead::bytes});
        map.mark_done(head.first, head.count);
        mark_outdated(run_.arrays, head.map);
    }

    void take_packed(JournalReader::Record const& record) {
        auto const head = decode_ragged(reader_.payload(record, RaggedHead::bytes));
        auto& map = map_of(head.map, head.first, head.count);
        auto const behind = record.bytes - RaggedHead::bytes;
        require(packing_of(map.spec, 1).has_value() && head.count <= behind / sizeof(std::uint64_t));
        require(!map.done.intersects(head.first, head.count));
        map.packed[head.first] = {.count = head.count,
                                  .bytes = behind - head.count * sizeof(std::uint64_t),
                                  .position = record.position + RaggedHead::bytes};
        map.mark_done(head.first, head.count);
        mark_outdated(run_.arrays, head.map);
    }

    void take_timing(JournalReader::Record const& record) {
        auto const payload = reader_.payload(record);
        auto const head = decode_timing(payload);
        auto& map = map_of(head.map, 0, 0);
        require(head.process > 0 && head.process <= run_.runs.size());
        auto const rows = payload.subspan(TimingHead::bytes);
        require(rows.size() % sizeof(TimingRow) == 0);
        for (auto at = rows; !at.empty(); at = at.subspan(sizeof(TimingRow))) {
            TimingRow row;
            std::memcpy(&row, at.data(), sizeof row);
            require(row.count > 0 && row.count <= map.spec.tasks && row.first <= map.spec.tasks - row.count);
        }
        auto const count = rows.size() / sizeof(TimingRow);
        map.timing.push_back(
            {.rows = count, .position = record.position + TimingHead::bytes, .process = head.process});
        map.timing_rows += count;
    }

    void take_failure(FailureRecord const& record) {
        auto& map = map_of(record.map, record.failure.task, 1);
        require(!map.done.intersects(record.failure.task, 1));
        map.mark_failed(record.failure);
        mark_outdated(run_.arrays, record.map);
    }

    void take_printed(Printed printed) {
        require(printed.map >= -1);
        if (printed.map >= 0)
            (void)map_of(static_cast<std::uint32_t>(printed.map), printed.first, printed.count);
        run_.printed.push_back(std::move(printed));
    }

    JournalReader& reader_;
    RecordedRun& run_;
    std::optional<JournalReader::Record> undo_;
};

std::string in_words(IdentityOption const& option) {
    return fmt::format("{}{}", option.value.empty() ? "empty" : option.value,
                       option.given ? "" : " (the default)");
}

std::string differs(std::string const& what, std::string const& then, std::string const& now) {
    return then == now ? "" : fmt::format("{} was {} and is {} now", what, then, now);
}

std::string in_words(ArrayCheck const& array) {
    return fmt::format("{} with checksum {:08x}", base::format_bytes(array.bytes), array.crc);
}

std::string in_words(Shape const& shape) {
    return shape.empty() ? "one number" : fmt::format("{}", fmt::join(shape, " x "));
}

}  // namespace

bool RecordedRun::has_results() const noexcept {
    return std::ranges::any_of(
        maps, [](MapRecord const& map) { return !map.done.empty() || !map.attempts.empty(); });
}

std::optional<RecordedRun> read_journal(std::string const& journal_path) {
    JournalReader reader(journal_path);
    if (reader.empty() || reader.records().empty()) return std::nullopt;
    RecordedRun run{.end = reader.end(),
                    .identity = {},
                    .runs = {},
                    .options = {},
                    .maps = {},
                    .arrays = {},
                    .printed = {},
                    .layout = {},
                    .undo = {}};
    Replay replay(reader, run);
    try {
        for (auto const& record : reader.records()) replay.take(record);
        replay.finish();
    } catch (FieldError const&) {
        throw EnvironmentError(fmt::format(
            "{}: its records contradict each other (it was changed by somebody); --restart discards it",
            journal_path));
    } catch (UsageError const& error) {
        throw EnvironmentError(
            fmt::format("{}: holds what cannot be ({}); --restart discards it", journal_path, error.what()));
    }
    return run;
}

void mark_outdated(std::vector<ArrayRecord>& arrays, std::size_t map) {
    for (auto& array : arrays) array.outdated = array.outdated || map < array.maps;
}

std::string difference(RunIdentity const& then, RunIdentity const& now) {
    if (then.job != now.job) return differs("the job", then.job, now.job);
    auto const named = [](std::vector<IdentityOption> const& options, std::string const& name) {
        return std::ranges::find(options, name, &IdentityOption::name);
    };
    for (auto const& option : now.options) {
        auto const before = named(then.options, option.name);
        if (before == then.options.end())
            return fmt::format("--{} did not exist and is {} now", option.name, option.value);
        if (before->value != option.value || before->given != option.given)
            return differs("--" + option.name, in_words(*before), in_words(option));
    }
    for (auto const& option : then.options)
        if (named(now.options, option.name) == now.options.end())
            return fmt::format("--{} was {} and does not exist now", option.name, option.value);
    return differs("--seed", std::to_string(then.seed), std::to_string(now.seed));
}

std::string difference(MapSpec const& then, MapSpec const& now) {
    auto const kind = [](MapSpec const& spec) {
        return spec.fixed ? in_words(spec.shape) : "of varying length";
    };
    auto text = differs("its version", std::to_string(then.version), std::to_string(now.version));
    if (text.empty())
        text = differs("the number of tasks", std::to_string(then.tasks), std::to_string(now.tasks));
    if (text.empty()) text = differs("the type of its results", name_of(then.type), name_of(now.type));
    if (text.empty()) text = differs("the shape of its results", kind(then), kind(now));
    if (text.empty())
        text = differs("the checksum of its items", fmt::format("{:08x}", then.items_crc),
                       fmt::format("{:08x}", now.items_crc));
    if (text.empty())
        text = differs("the number of shared arrays before it", std::to_string(then.arrays.size()),
                       std::to_string(now.arrays.size()));
    for (std::size_t i = 0; text.empty() && i < then.arrays.size(); ++i)
        text =
            differs(fmt::format("shared array {}", i + 1), in_words(then.arrays[i]), in_words(now.arrays[i]));
    if (text.empty()) text = differs("its units", then.units, now.units);
    if (text.empty() && then.dimensions != now.dimensions) text = "the names of its dimensions were others";
    auto const same_scale = [](Scale const& a, Scale const& b) {
        return a.dimension == b.dimension && a.name == b.name && a.values == b.values && a.units == b.units;
    };
    if (text.empty() && !std::ranges::equal(then.scales, now.scales, same_scale))
        text = "its scales were others";
    return text;
}

std::string fingerprint(RunIdentity const& identity) {
    auto bare = identity;
    bare.build.clear();
    bare.command_line.clear();
    std::string digits;
    for (auto const byte : base::blake2b(encode(bare).view()))
        digits += fmt::format("{:02x}", std::to_integer<int>(byte));
    return digits;
}

}  // namespace plenum::io
