// Columns of /tasks, /failures, /workers, and what goes to /provenance.
#include "hdf5/tables.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <ctime>
#include <functional>
#include <limits>
#include <map>

#include "base/crc32c.hpp"
#include "hdf5/dataset_writer.hpp"
#include "hdf5/values.hpp"
#include "io/printed_log.hpp"

namespace plenum::hdf5 {
namespace {

enum class Status : std::uint8_t { done = 0, failed = 1, not_run = 2 };

constexpr std::uint64_t tasks_per_chunk = 65536;

/// A column over all tasks in which only the chunks with a value other than `usual` are stored.
template <Element T>
class SparseColumn {
public:
    SparseColumn(hid_t group, char const* name, std::uint64_t tasks, T usual) : tasks_(tasks), usual_(usual) {
        auto const creation = call::p_create(H5P_DATASET_CREATE);
        if (tasks > 0) {
            hsize_t const chunk = std::min(tasks, tasks_per_chunk);
            call::p_set_chunk(creation, 1, &chunk);
        }
        call::p_set_fill_value(creation, type(), &usual);
        dataset_ = call::d_create(group, name, type(), make_space({tasks}), H5P_DEFAULT, creation);
    }

    [[nodiscard]] hid_t dataset() const noexcept { return dataset_; }

    void write(std::uint64_t first, std::vector<T> const& values) {
        if (std::ranges::all_of(values, [&](T value) { return value == usual_; })) return;
        hsize_t const start = first;
        hsize_t const count = values.size();
        auto const place = call::d_space(dataset_);
        call::s_select_block(place, &start, &count);
        call::d_write(dataset_, type(), call::s_create_simple(1, &count), place, values.data());
    }

private:
    static hid_t type() { return native_type(element_type_of<T>()); }

    std::uint64_t tasks_;
    T usual_;
    Handle dataset_;
};

void write_status(hid_t group, io::MapRecord const& map) {
    auto const tasks = map.spec.tasks;
    SparseColumn<std::uint8_t> status(group, "status", tasks, static_cast<std::uint8_t>(Status::done));
    SparseColumn<std::uint16_t> attempts(group, "attempts", tasks, 1);
    write_attribute(status.dataset(), {"meaning", std::string("0 done, 1 failed, 2 not run")});
    for (std::uint64_t begin = 0; begin < tasks; begin += tasks_per_chunk) {
        auto const end = std::min(tasks, begin + tasks_per_chunk);
        std::vector<std::uint8_t> states(end - begin, static_cast<std::uint8_t>(Status::done));
        std::vector<std::uint16_t> counts(end - begin, 1);
        map.done.for_each_gap(begin, end, [&](std::uint64_t first, std::uint64_t last) {
            for (auto task = first; task < last; ++task) {
                states[task - begin] = static_cast<std::uint8_t>(Status::not_run);
                counts[task - begin] = 0;
            }
        });
        for (auto at = map.attempts.lower_bound(begin); at != map.attempts.end() && at->first < end; ++at) {
            auto const& tries = at->second;
            counts[at->first - begin] =
                static_cast<std::uint16_t>(std::clamp(tries.failed + (tries.has_result ? 1 : 0), 0, 65535));
            if (tries.is_failed()) states[at->first - begin] = static_cast<std::uint8_t>(Status::failed);
        }
        status.write(begin, states);
        attempts.write(begin, counts);
    }
}

/// Calls visit(row, process): on the clock and the ranks of that process of the run, from 1.
template <class Visit>
void for_each_timing_row(io::MapRecord const& map, io::Journal& journal, Visit&& visit) {
    std::vector<io::TimingRow> rows(4096);
    for (auto const& piece : map.timing)
        for (std::uint64_t at = 0; at < piece.rows;) {
            auto const part = std::span(rows).first(std::min<std::uint64_t>(rows.size(), piece.rows - at));
            journal.read(piece.position + at * sizeof(io::TimingRow), std::as_writable_bytes(part));
            for (auto const& row : part) visit(row, piece.process);
            at += part.size();
        }
}

void describe_timing(hid_t process, hid_t host, hid_t start, hid_t duration, hid_t peak_rss) {
    write_attribute(process, {"meaning", std::string("row of /provenance/runs: the process whose rank and "
                                                     "clock count")});
    write_attribute(host, {"meaning", std::string("row of /provenance/hosts; -1: unknown")});
    write_units(start, "s");
    write_attribute(start, {"meaning", std::string("since the start of that process")});
    write_units(duration, "s");
    write_units(peak_rss, "byte");
}

void write_task_timing(hid_t group, io::MapRecord const& map, io::Journal& journal, HostTable const& hosts) {
    constexpr auto unknown = std::numeric_limits<double>::quiet_NaN();
    auto const tasks = map.spec.tasks;
    auto const last = static_cast<std::int32_t>(hosts.processes()) - 1;
    std::vector<std::int32_t> rank(tasks, -1);
    std::vector<std::int32_t> process(tasks, last);
    std::vector<std::int32_t> host(tasks, -1);
    std::vector<double> start(tasks, unknown);
    std::vector<float> duration(tasks, static_cast<float>(unknown));
    std::vector<std::uint64_t> peak_rss(tasks, 0);
    for_each_timing_row(map, journal, [&](io::TimingRow const& row, std::uint32_t number) {
        auto const host_row = hosts.row(number, row.rank);
        for (auto task = row.first; task < row.first + row.count; ++task) {
            rank[task] = row.rank;
            process[task] = static_cast<std::int32_t>(number) - 1;
            host[task] = host_row;
            start[task] = row.start;
            duration[task] = static_cast<float>(row.duration / row.count);
            peak_rss[task] = row.peak_rss;
        }
    });
    write_column(group, "rank", rank);
    SparseColumn<std::int32_t> processes(group, "process", tasks, last);
    for (std::uint64_t first = 0; first < tasks; first += tasks_per_chunk) {
        auto const begin = process.begin() + static_cast<std::ptrdiff_t>(first);
        auto const count = static_cast<std::ptrdiff_t>(std::min(tasks_per_chunk, tasks - first));
        processes.write(first, {begin, begin + count});
    }
    describe_timing(processes.dataset(), write_column(group, "host", host),
                    write_column(group, "start", start), write_column(group, "duration", duration),
                    write_column(group, "peak_rss", peak_rss));
}

void write_chunk_timing(hid_t group, io::MapRecord const& map, io::Journal& journal, HostTable const& hosts) {
    auto const rows = map.timing_rows;
    auto const chunks = require_group(group, "chunks");
    write_attribute(chunks,
                    {"meaning", std::string("one row for each chunk of tasks that ran together: first task, "
                                            "number of tasks; duration of all of them")});
    DatasetWriter first(chunks, "first", ElementType::u64, rows);
    DatasetWriter count(chunks, "count", ElementType::u32, rows);
    DatasetWriter rank(chunks, "rank", ElementType::i32, rows);
    DatasetWriter process(chunks, "process", ElementType::i32, rows);
    DatasetWriter host(chunks, "host", ElementType::i32, rows);
    DatasetWriter start(chunks, "start", ElementType::f64, rows);
    DatasetWriter duration(chunks, "duration", ElementType::f64, rows);
    DatasetWriter peak_rss(chunks, "peak_rss", ElementType::u64, rows);
    for_each_timing_row(map, journal, [&](io::TimingRow const& row, std::uint32_t number) {
        first.append(row.first);
        count.append(row.count);
        rank.append(row.rank);
        process.append(static_cast<std::int32_t>(number) - 1);
        host.append(hosts.row(number, row.rank));
        start.append(row.start);
        duration.append(row.duration);
        peak_rss.append(row.peak_rss);
    });
    for (auto* const writer : {&first, &count, &rank}) writer->finish();
    describe_timing(process.finish(), host.finish(), start.finish(), duration.finish(), peak_rss.finish());
}

/// One column of a table: `member` of each row.
template <class Row, class Project>
auto column_of(std::vector<Row> const& rows, Project project) {
    std::vector<std::decay_t<decltype(std::invoke(project, rows.front()))>> column;
    column.reserve(rows.size());
    for (auto const& row : rows) column.push_back(std::invoke(project, row));
    return column;
}

}  // namespace

HostTable::HostTable(std::vector<io::RunRecord> const& runs) {
    std::map<std::string, std::int32_t> row_of;
    for (auto const& run : runs) {
        auto& rows = rows_.emplace_back();
        for (auto const& host : run.hosts) {
            auto const [found, is_new] = row_of.try_emplace(host, static_cast<std::int32_t>(names_.size()));
            if (is_new) names_.push_back(host);
            rows.push_back(found->second);
        }
    }
}

std::int32_t HostTable::row(std::uint32_t process, int rank) const noexcept {
    if (process == 0 || process > rows_.size() || rank < 0) return -1;
    auto const& rows = rows_[process - 1];
    auto const at = static_cast<std::size_t>(rank);
    return at < rows.size() ? rows[at] : -1;
}

void write_printed(File& file, std::vector<io::Printed> const& printed,
                   std::vector<io::MapRecord> const& maps) {
    using io::Printed;
    auto const group = require_group(file, "/printed");
    write_attribute(group, {"meaning", std::string("lines that one of count tasks from first on printed; "
                                                   "without a map by another task, count 0: by an actor")});
    write_strings(group, "map", column_of(printed, [&](Printed const& row) {
                      return row.map < 0 ? "" : maps.at(static_cast<std::size_t>(row.map)).spec.name;
                  }));
    write_column(group, "first", column_of(printed, &Printed::first));
    write_column(group, "count", column_of(printed, &Printed::count));
    write_strings(group, "text", column_of(printed, &Printed::text));
    if (!printed.empty()) write_text(require_group(file, "/provenance"), "log", io::text_of(printed));
}

std::uint64_t tasks_bytes(io::MapRecord const& map) {
    constexpr std::uint64_t status_row = 1 + 2;
    constexpr std::uint64_t task_row = 4 + 4 + 4 + 8 + 4 + 8;
    auto const tasks = map.spec.tasks;
    return tasks <= most_timing_rows ? tasks * (status_row + task_row)
                                     : tasks * status_row + map.timing_rows * sizeof(io::TimingRow) * 2;
}

void write_tasks(File& file, io::MapRecord const& map, io::Journal& journal, HostTable const& hosts) {
    auto const group = require_group(file, "/tasks/" + map.spec.name);
    write_status(group, map);
    if (map.spec.tasks <= most_timing_rows)
        write_task_timing(group, map, journal, hosts);
    else
        write_chunk_timing(group, map, journal, hosts);
}

void write_failures(File& file, io::MapRecord const& map) {
    using io::Failure;
    auto const group = require_group(file, "/failures/" + map.spec.name);
    auto const& rows = map.failures;
    write_column(group, "task", column_of(rows, &Failure::task));
    write_column(group, "attempt", column_of(rows, &Failure::attempt));
    write_column(group, "rank", column_of(rows, &Failure::rank));
    write_strings(group, "cause",
                  column_of(rows, [](Failure const& row) { return std::string(name_of(row.cause)); }));
    write_strings(group, "message", column_of(rows, &Failure::message));
}

void write_workers(File& file, std::vector<io::WorkerRow> const& workers, std::size_t processes) {
    using io::WorkerRow;
    auto const group = require_group(file, "/workers");
    write_column(group, "rank", column_of(workers, &WorkerRow::rank));
    auto const process = write_column(group, "process", column_of(workers, [&](WorkerRow const& row) {
                                          auto const number = row.process == 0 ? processes : row.process;
                                          return static_cast<std::int32_t>(number) - 1;
                                      }));
    write_attribute(process, {"meaning", std::string("row of /provenance/runs")});
    write_strings(group, "host", column_of(workers, &WorkerRow::host));
    write_strings(group, "cores", column_of(workers, &WorkerRow::cores));
    write_column(group, "executors", column_of(workers, &WorkerRow::executors));
    auto const write_seconds = [&](char const* name, double WorkerRow::*member) {
        write_units(write_column(group, name, column_of(workers, member)), "s");
    };
    write_seconds("startup", &WorkerRow::startup);
    write_seconds("init", &WorkerRow::init);
    write_seconds("working", &WorkerRow::working);
    write_seconds("waiting", &WorkerRow::waiting);
    write_seconds("commit", &WorkerRow::commit);
    write_column(group, "tasks", column_of(workers, &WorkerRow::tasks));
}

void write_runs(File& file, std::vector<io::RunRecord> const& runs, HostTable const& hosts) {
    using io::RunRecord;
    auto const group = require_group(file, "/provenance/runs");
    write_strings(group, "started", column_of(runs, [](RunRecord const& run) {
                      return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                                         fmt::gmtime(static_cast<std::time_t>(run.unix_seconds)));
                  }));
    write_strings(group, "host", column_of(runs, &RunRecord::host));
    write_strings(group, "build", column_of(runs, &RunRecord::build));
    write_strings(group, "command_line", column_of(runs, &RunRecord::command_line));
    write_strings(group, "hosts", column_of(runs, [](RunRecord const& run) {
                      return fmt::format("{}", fmt::join(run.hosts, ","));  // of rank 0, 1, ...
                  }));
    write_strings(require_group(file, "/provenance"), "hosts", hosts.names());
}

void write_integrity(File& file, std::string const& map, std::vector<io::Segment> const& segments) {
    using io::Segment;
    auto const group = require_group(file, "/integrity/" + map);
    write_attribute(group,
                    {"meaning", std::string("CRC-32C of the bytes of the results of tasks first to first + "
                                            "count - 1, in the order of the tasks")});
    write_column(group, "first", column_of(segments, &Segment::first));
    write_column(group, "count", column_of(segments, &Segment::count));
    write_column(group, "crc32c", column_of(segments, &Segment::crc));
}

void write_map_record(File& file, io::MapRecord const& map, std::size_t number) {
    auto const group = require_group(file, "/integrity/" + map.spec.name);
    write_attribute(group, {"number", static_cast<std::int64_t>(number)});
    write_record(group, "record", io::encode(map).view());
}

void write_record(hid_t group, char const* name, std::span<std::byte const> record) {
    auto const dataset = write_dataset(group, name, ElementType::u8, {record.size()}, record);
    write_attribute(dataset, {"crc32c", std::int64_t{base::crc32c(record)}});
}

void write_provenance(File& file, io::Provenance const& provenance, std::string const& created) {
    auto const root = require_group(file, "/");
    write_attribute(root, {"job", provenance.job});
    write_attribute(root, {"command_line", provenance.command_line});
    write_attribute(root, {"history", fmt::format("{} {}", created, provenance.command_line)});

    auto const group = require_group(file, "/provenance");
    auto const options = require_group(group, "options");
    for (auto const& option : provenance.options) write_attribute(options, option);
    using Pair = std::pair<std::string, std::string>;
    write_strings(group, "environment/name", column_of(provenance.environment, &Pair::first));
    write_strings(group, "environment/value", column_of(provenance.environment, &Pair::second));
}

}  // namespace plenum::hdf5
