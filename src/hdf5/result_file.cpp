// The result sink: results bypass HDF5, which only sees the file to begin a map and to publish.
#include "hdf5/result_file.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <limits>
#include <numeric>
#include <plenum/error.hpp>

#include "hdf5/file.hpp"
#include "hdf5/map_layout.hpp"
#include "hdf5/map_record.hpp"
#include "hdf5/tables.hpp"
#include "hdf5/values.hpp"
#include "io/positional.hpp"

namespace plenum::hdf5 {
namespace {

constexpr std::int64_t format_version = 1;
/// More than HDF5 needs for headers and alignment of one map and its tables.
constexpr std::uint64_t metadata_bytes = 256 * 1024;
/// More than a string needs beside its characters.
constexpr std::uint64_t string_bytes = 64;

std::string now_utc() {
    return fmt::format(
        "{:%Y-%m-%dT%H:%M:%SZ}",
        fmt::gmtime(std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now())));
}

std::uint64_t bytes_of(Shape const& shape, ElementType type) {
    auto with_element = shape;
    with_element.push_back(size_of(type));
    return count_of(with_element);
}

std::uint64_t scales_bytes(io::MapSpec const& spec) {
    std::uint64_t bytes = 0;
    for (auto const& scale : spec.scales) bytes += scale.values.size() * sizeof(double);
    return bytes;
}

/// What publishing adds for one map, at most.
std::uint64_t pending_bytes(MapRecord const& map) {
    auto bytes = metadata_bytes + map.ragged.values_bytes() + tasks_bytes(map);
    if (!map.spec.fixed) bytes += (map.spec.tasks + 1) * sizeof(std::uint64_t);
    for (auto const& failure : map.failures) bytes += 2 * string_bytes + 3 * failure.message.size();
    return bytes;
}

/// Workers and provenance; text can triple when it is made valid.
std::uint64_t provenance_bytes(io::Provenance const& provenance) {
    auto bytes = 3 * (provenance.log.size() + 2 * provenance.command_line.size() + provenance.job.size());
    for (auto const& [name, value] : provenance.environment)
        bytes += 2 * string_bytes + 3 * (name.size() + value.size());
    for (auto const& worker : provenance.workers)
        bytes += 4 * string_bytes + 3 * (worker.host.size() + worker.cores.size());
    for (auto const& option : provenance.options) {
        auto const* const text = std::get_if<std::string>(&option.value);
        bytes += 4 * string_bytes + 3 * (option.name.size() + (text == nullptr ? 0 : text->size()));
    }
    return bytes;
}

class ResultFile final : public io::ResultSink {
public:
    explicit ResultFile(ResultFileOptions options)
        : file_(std::move(options.path), options.existing), created_(now_utc()) {
        with_file(FileMode::create, [&](File& file) {
            auto const root = require_group(file, "/");
            write_attribute(root, {"format", std::string("plenum")});
            write_attribute(root, {"format_version", format_version});
            write_attribute(root, {"software", options.software});
            write_attribute(root, {"version", options.version});
            write_attribute(root, {"git", options.git});
            write_attribute(root, {"created", created_});
            write_attribute(root, {"Conventions", std::string("CF-1.8")});
            (void)require_group(file, "/results");
        });
    }

    io::MapId begin_map(io::MapSpec const& spec) override {
        require_unpublished();
        check_map(spec);
        MapRecord map(spec, io::folder_of(file_.path()));
        if (spec.fixed) {
            map.result_bytes = bytes_of(spec.shape, spec.type);
            file_.require_space(bytes_of(whole_shape(spec), spec.type));
        }
        update_file(scales_bytes(spec), [&](File& file) { add_map(file, map, maps_); });
        if (spec.fixed) file_.reserve(map.offset, bytes_of(whole_shape(spec), spec.type));
        maps_.push_back(std::move(map));
        return static_cast<io::MapId>(maps_.size() - 1);
    }

    void put_fixed(io::MapId id, std::uint64_t first, std::uint64_t count,
                   std::span<std::byte const> values) override {
        auto& map = open_map(id, first, count);
        if (!map.spec.fixed) throw UsageError(map.spec.name + ": put_fixed into a ragged map");
        if (values.size() != count * map.result_bytes)
            throw UsageError(fmt::format("{}: {} results of {} bytes each do not make {} bytes",
                                         map.spec.name, count, map.result_bytes, values.size()));
        file_.write_at(map.offset + first * map.result_bytes, values);
        mark_done(map, first, count, values.size());
    }

    void put_ragged(io::MapId id, std::uint64_t first, std::span<std::uint64_t const> lengths,
                    std::span<std::byte const> values) override {
        auto& map = open_map(id, first, lengths.size());
        if (map.spec.fixed) throw UsageError(map.spec.name + ": put_ragged into a map of fixed shape");
        auto const elements = std::accumulate(lengths.begin(), lengths.end(), std::uint64_t{0});
        if (values.size() != elements * size_of(map.spec.type))
            throw UsageError(fmt::format("{}: lengths of {} elements in all do not make {} bytes of {}",
                                         map.spec.name, elements, values.size(), name_of(map.spec.type)));
        if (map.done.intersects(first, lengths.size()))
            throw UsageError(fmt::format("{}: a task among {} to {} has a result already", map.spec.name,
                                         first, first + lengths.size() - 1));
        map.ragged.put(first, lengths, values);
        mark_done(map, first, lengths.size(), values.size());
    }

    void read_fixed(io::MapId id, std::uint64_t first, std::uint64_t count,
                    std::span<std::byte> values) override {
        require_unpublished();
        if (id < 0 || static_cast<std::size_t>(id) >= maps_.size()) throw UsageError("unknown map");
        auto const& map = maps_[static_cast<std::size_t>(id)];
        if (!map.spec.fixed || first > map.spec.tasks || count > map.spec.tasks - first ||
            values.size() != count * map.result_bytes)
            throw UsageError(map.spec.name + ": only whole results of a map of fixed shape can be read back");
        file_.read_at(map.offset + first * map.result_bytes, values);
    }

    void put_timing(io::MapId id, std::span<io::TimingRow const> rows) override {
        for (auto const& row : rows) (void)open_map(id, row.first, row.count);
        open_map(id, 0, 0).timing.append(std::as_bytes(rows));
    }

    void put_failure(io::MapId id, io::Failure const& failure) override {
        auto& map = open_map(id, failure.task, 1);
        map.failures.push_back(failure);
        map.attempts[failure.task] = {.failed = failure.attempt, .has_result = false};
        if (map.spec.fixed) erase_result(map, failure.task);
    }

    void end_map(io::MapId id) override { open_map(id, 0, 0).ended = true; }

    void write_array(std::string const& path, ElementType type, Shape const& shape,
                     std::span<std::byte const> values,
                     std::vector<io::Attribute> const& attributes) override {
        require_unpublished();
        auto const bytes = bytes_of(shape, type);
        if (values.size() != bytes)
            throw UsageError(
                fmt::format("{}: an array of {} bytes cannot be filled with {}", path, bytes, values.size()));
        update_file(bytes, [&](File& file) {
            if (path_exists(file, path))
                throw UsageError(
                    fmt::format("{}: the result file has it already; choose another path", path));
            auto const dataset = write_dataset(file, path, type, shape, values);
            for (auto const& attribute : attributes) write_attribute(dataset, attribute);
        });
    }

    void publish(io::Provenance const& provenance) override {
        require_unpublished();
        auto bytes = provenance_bytes(provenance);
        for (auto const& map : maps_) bytes += pending_bytes(map);
        update_file(bytes, [&](File& file) {
            for (auto& map : maps_) {
                if (!map.spec.fixed) write_ragged(file, map);
                write_tasks(file, map, provenance.workers);
                write_failures(file, map);
            }
            write_workers(file, provenance.workers);
            write_provenance(file, provenance, created_);
        });
        published_ = true;
        file_.publish();
    }

    bool abandon() override { return file_.abandon(); }

    std::uint64_t bytes_written() const override { return bytes_written_; }

private:
    /// Opens the file, calls use(file), which adds about `bytes`, and closes it.
    template <class Use>
    void update_file(std::uint64_t bytes, Use&& use) {
        // HDF5 does not survive a full disk: after a close that fails it crashes at the end of the program.
        // So the room is there before it starts; closing cuts off what is left.
        file_.reserve_at_end(bytes + metadata_bytes);
        with_file(FileMode::update, use);
    }

    /// Opens the partial file, calls use(file) and closes it.
    template <class Use>
    void with_file(FileMode mode, Use&& use) {
        try {
            File file(file_.partial_path(), mode);
            use(file);
            file.close();
        } catch (CallError const& error) {
            std::string_view const reason = error.what();
            for (int const full : {ENOSPC, EDQUOT, EFBIG})
                if (reason.ends_with(std::strerror(full)))
                    throw io::write_error(file_.partial_path(), full, bytes_written_, bytes_written_);
            throw EnvironmentError(fmt::format("{}: cannot be written ({}); check disk and folder",
                                               file_.partial_path(), reason));
        }
    }

    /// Not a number in place of a floating-point result that does not exist.
    void erase_result(MapRecord const& map, std::uint64_t task) {
        auto const nan = [&]<class T>(T value) {
            std::vector<T> const values(map.result_bytes / sizeof value, value);
            file_.overwrite_at(map.offset + task * map.result_bytes, std::as_bytes(std::span(values)));
        };
        if (map.spec.type == ElementType::f32) nan(std::numeric_limits<float>::quiet_NaN());
        if (map.spec.type == ElementType::f64) nan(std::numeric_limits<double>::quiet_NaN());
    }

    void mark_done(MapRecord& map, std::uint64_t first, std::uint64_t count, std::uint64_t bytes) {
        map.done.add(first, count);
        for (auto at = map.attempts.lower_bound(first); at != map.attempts.end() && at->first < first + count;
             ++at)
            at->second.has_result = true;
        bytes_written_ += bytes;
    }

    MapRecord& open_map(io::MapId id, std::uint64_t first, std::uint64_t count) {
        require_unpublished();
        if (id < 0 || static_cast<std::size_t>(id) >= maps_.size())
            throw UsageError(fmt::format("{}: there is no map number {}", file_.path(), id));
        auto& map = maps_[static_cast<std::size_t>(id)];
        if (map.ended) throw UsageError(fmt::format("map '{}' has ended", map.spec.name));
        if (count > map.spec.tasks || first > map.spec.tasks - count)
            throw UsageError(fmt::format("map '{}': tasks {} to {} of {}", map.spec.name, first,
                                         first + count - 1, map.spec.tasks));
        return map;
    }

    void require_unpublished() const {
        if (published_) throw UsageError(file_.path() + " is published already; nothing can be added");
    }

    io::PartialFile file_;
    std::string created_;
    std::vector<MapRecord> maps_;
    std::uint64_t bytes_written_ = 0;
    bool published_ = false;
};

}  // namespace

std::unique_ptr<io::ResultSink> create_result_file(ResultFileOptions options) {
    return std::make_unique<ResultFile>(std::move(options));
}

}  // namespace plenum::hdf5
