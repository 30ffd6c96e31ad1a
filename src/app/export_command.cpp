// plenum export: a table with one row for each task, for programs that do not read HDF5.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <plenum/error.hpp>
#include <vector>

#include "app/element_text.hpp"
#include "app/file_commands.hpp"
#include "app/task_table.hpp"
#include "app/terminal.hpp"
#include "base/unique_fd.hpp"
#include "hdf5/open_run.hpp"
#include "io/positional.hpp"

namespace plenum::app {
namespace {

constexpr std::uint64_t small_elements = 64;
constexpr std::uint64_t bytes_at_once = 8 << 20;

/// Text on its way to a file or to standard output.
class Output {
public:
    explicit Output(std::string const& path) : path_(path) {
        if (path_.empty()) return;
        fd_.reset(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
        if (!fd_ && errno == EEXIST)
            throw UsageError(
                fmt::format("{}: exists already; remove it or choose another name with -o", path_));
        if (!fd_)
            throw EnvironmentError(
                fmt::format("{}: cannot be created ({}); check the folder", path_, std::strerror(errno)));
    }
    void add(std::string_view text) {
        text_ += text;
        if (text_.size() >= (1 << 20)) flush();
    }
    void flush() {
        if (path_.empty()) {
            write_all(STDOUT_FILENO, text_);
        } else if (auto const error = io::write_fully(fd_.get(), written_, std::as_bytes(std::span(text_)));
                   error != 0) {
            throw io::write_error(path_, error, written_, written_);
        }
        written_ += text_.size();
        text_.clear();
    }

private:
    std::string path_;
    base::UniqueFd fd_;
    std::string text_;
    std::uint64_t written_ = 0;
};

/// One value of a row: as CSV shows it and as JSON does.
struct Cell {
    std::string name;
    std::string csv;
    std::string json;
};

std::string quoted(std::string const& text) {
    if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
    std::string result(1, '"');
    for (auto const c : text) {
        if (c == '"') result += '"';
        result += c;
    }
    result += '"';
    return result;
}

Cell text_cell(std::string name, std::string const& text, bool is_null = false) {
    using Json = nlohmann::json;
    return {std::move(name), is_null ? "" : quoted(text),
            is_null ? "null" : Json(text).dump(-1, ' ', false, Json::error_handler_t::replace)};
}

template <class Number>
Cell number_cell(std::string name, Number number, bool is_null = false) {
    if (is_null) return {std::move(name), "", "null"};
    if constexpr (std::is_floating_point_v<Number>)
        return {std::move(name), fmt::format("{}", number), json_number(number)};
    else
        return {std::move(name), fmt::format("{}", number), fmt::format("{}", number)};
}

class Exporter {
public:
    Exporter(io::RunReader& reader, std::size_t map, bool json, bool all_values)
        : reader_(reader),
          number_(map),
          map_(reader.run().maps.at(map)),
          json_(json),
          all_values_(all_values),
          elements_(map_.spec.fixed ? count_of(map_.spec.shape) : 0),
          timing_(reader, map) {
        for (auto const& failure : map_.failures) last_failure_[failure.task] = &failure;
    }

    void write(Output& output) {
        if (!json_) output.add(header());
        auto const at_once =
            std::max<std::uint64_t>(1, bytes_at_once / std::max<std::uint64_t>(1, map_.result_bytes));
        for (std::uint64_t first = 0; first < map_.spec.tasks; first += at_once) {
            auto const count = std::min(at_once, map_.spec.tasks - first);
            std::vector<std::byte> block;
            if (map_.spec.fixed && has_values() && map_.done.intersects(first, count))
                block = reader_.fixed(number_, first, count);
            for (auto task = first; task < first + count; ++task) {
                std::span<std::byte const> result;
                if (!block.empty())
                    result = std::span(block).subspan((task - first) * map_.result_bytes, map_.result_bytes);
                output.add(line(cells(task, result)));
            }
        }
        output.flush();
    }
    /// Results are left out because they are large.
    [[nodiscard]] bool left_out() const { return left_out_ || (map_.spec.fixed && !has_values()); }

private:
    [[nodiscard]] bool has_values() const { return all_values_ || elements_ <= small_elements; }

    std::string header() {
        std::string text;
        for (auto const& cell : cells(map_.spec.tasks, {})) text += (text.empty() ? "" : ",") + cell.name;
        return text + '\n';
    }

    std::string line(std::vector<Cell> const& cells) const {
        std::string text;
        for (auto const& cell : cells) {
            if (!text.empty()) text += ',';
            if (json_) text += nlohmann::json(cell.name).dump() + ':';
            text += json_ ? cell.json : cell.csv;
        }
        return json_ ? "{" + text + "}\n" : text + '\n';
    }

    /// For the number of tasks: names only.
    std::vector<Cell> cells(std::uint64_t task, std::span<std::byte const> result) {
        auto const status = status_of(map_, task);
        auto const* const timing = timing_.find(task);
        auto const row = timing == nullptr ? io::TimingRow{} : timing->row;
        auto const host = timing == nullptr ? "" : io::host_of(reader_.run(), *timing);
        auto const failure = last_failure_.find(task);
        bool const is_sound = failure == last_failure_.end();
        std::vector<Cell> cells{
            number_cell("task", task),
            text_cell("status", app::name_of(status)),
            number_cell("attempts", attempts_of(map_, task)),
            number_cell("rank", row.rank, timing == nullptr),
            text_cell("host", host, host.empty()),
            number_cell("start", row.start, timing == nullptr),
            number_cell("duration", row.duration / std::max(1u, row.count), timing == nullptr),
            text_cell("cause", is_sound ? "" : plenum::name_of(failure->second->cause), is_sound),
            text_cell("message", is_sound ? "" : failure->second->message, is_sound)};
        if (map_.spec.fixed)
            add_fixed(cells, status == TaskStatus::done ? result : std::span<std::byte const>{});
        else
            add_ragged(cells, task, status);
        return cells;
    }

    void add_fixed(std::vector<Cell>& cells, std::span<std::byte const> result) const {
        if (!has_values()) return;
        auto const type = map_.spec.type;
        if (json_) {
            cells.push_back({"result", "",
                             result.empty()   ? "null"
                             : elements_ == 1 ? element_text(type, result, 0, true)
                                              : elements_text(type, result, 0, elements_)});
            return;
        }
        for (std::uint64_t i = 0; i < elements_; ++i)
            cells.push_back({elements_ == 1 ? "result" : column_name(i),
                             result.empty() ? "" : element_text(type, result, i, false), ""});
    }

    /// "result_3_1": the indices of element `i` of a result.
    std::string column_name(std::uint64_t i) const {
        std::string name;
        for (auto extent = map_.spec.shape.rbegin(); extent != map_.spec.shape.rend(); ++extent) {
            name = fmt::format("_{}{}", i % *extent, name);
            i /= *extent;
        }
        return "result" + name;
    }

    void add_ragged(std::vector<Cell>& cells, std::uint64_t task, TaskStatus status) {
        bool const is_done = status == TaskStatus::done;
        auto const result = is_done ? reader_.ragged(number_, task) : std::vector<std::byte>{};
        auto const length = result.size() / size_of(map_.spec.type);
        bool const shown = is_done && (all_values_ || length <= small_elements);
        left_out_ = left_out_ || (is_done && !shown);
        auto const text = shown ? elements_text(map_.spec.type, result, 0, length) : "";
        cells.push_back(number_cell("length", length, !is_done));
        cells.push_back({"result", quoted(text), shown ? text : "null"});
    }

    io::RunReader& reader_;
    std::size_t number_;
    io::MapRecord const& map_;
    bool json_;
    bool all_values_;
    std::uint64_t elements_;
    TimingIndex timing_;
    std::map<std::uint64_t, io::Failure const*> last_failure_;
    bool left_out_ = false;
};

}  // namespace

int run_export(FileRequest const& request) {
    auto const reader = hdf5::open_run(request.files.front(), hdf5::Prefer::finished);
    auto const map = find_map(reader->run(), request.value("map"));
    Exporter exporter(*reader, map, request.value("format", "csv") == "jsonl", request.has("values"));
    Output output(request.value("output"));
    exporter.write(output);
    if (exporter.left_out()) {
        auto const line =
            fmt::format("plenum: {}: results of more than {} numbers are left out; --values writes them\n",
                        reader->run().file, small_elements);
        write_all(STDERR_FILENO, line);
    }
    return 0;
}

}  // namespace plenum::app
