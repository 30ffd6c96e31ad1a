// Reads a published file back: its record at once, times and results by parts.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <plenum/error.hpp>

#include "base/crc32c.hpp"
#include "hdf5/columns.hpp"
#include "hdf5/file.hpp"
#include "hdf5/finished_record.hpp"
#include "hdf5/open_run.hpp"
#include "hdf5/publishing.hpp"

namespace plenum::hdf5 {
namespace {

/// Turns what HDF5 says into a line that names the file.
template <class Use>
auto naming(std::string const& path, Use&& use) {
    try {
        return use();
    } catch (CallError const& error) {
        throw EnvironmentError(fmt::format("{}: cannot be read ({}); it is damaged: restore it from a copy",
                                           path, error.what()));
    } catch (io::FieldError const&) {
        throw EnvironmentError(fmt::format(
            "{}: its record of a map is not what it should be; it is damaged: restore it from a copy", path));
    }
}

class FinishedReader final : public io::RunReader {
public:
    explicit FinishedReader(std::string const& path) : file_(open(path)) {
        naming(path, [&] {
            check_format(path);
            run_ = read_record(file_);
        });
        run_.state = io::RunState::finished;
        run_.file = path;
        run_.output = path;
    }

    void for_each_timing(std::size_t map,
                         std::function<void(io::StoredTiming const&)> const& visit) override {
        naming(run_.file, [&] {
            auto const path = "/tasks/" + run_.maps.at(map).spec.name;
            if (path_exists(file_, path + "/chunks"))
                visit_timing(path + "/chunks", true, visit);
            else
                visit_timing(path, false, visit);
        });
    }

    std::vector<std::byte> fixed(std::size_t map, std::uint64_t first, std::uint64_t count) override {
        return naming(run_.file, [&] {
            auto const& record = run_.maps.at(map);
            auto const dataset = call::d_open(file_, ("/results/" + record.spec.name).c_str());
            auto bytes = read_rows(dataset, record.spec.type, first, count);
            if (bytes.size() != count * record.result_bytes)
                throw CallError("its results have another shape than its record says");
            return bytes;
        });
    }

    std::vector<std::byte> ragged(std::size_t map, std::uint64_t task) override {
        return naming(run_.file, [&] {
            auto const& spec = run_.maps.at(map).spec;
            auto const group = call::g_open(file_, ("/results/" + spec.name).c_str());
            auto const offsets = read_column<std::uint64_t>(call::d_open(group, "offsets"), task, 2);
            return values(group, spec.type, offsets[0], offsets[1]);
        });
    }

    RaggedBlock ragged_block(std::size_t map, std::uint64_t first, std::uint64_t count) override {
        return naming(run_.file, [&] {
            auto const& spec = run_.maps.at(map).spec;
            auto const group = call::g_open(file_, ("/results/" + spec.name).c_str());
            auto offsets = read_column<std::uint64_t>(call::d_open(group, "offsets"), first, count + 1);
            RaggedBlock block{.values = values(group, spec.type, offsets.front(), offsets.back())};
            for (std::size_t i = 0; i < count; ++i) {
                if (offsets[i + 1] < offsets[i]) throw CallError("its offsets go back");
                block.lengths.push_back(offsets[i + 1] - offsets[i]);
            }
            return block;
        });
    }

    std::vector<std::byte> array(std::size_t number) override {
        return naming(run_.file, [&] {
            auto const& record = run_.arrays.at(number);
            auto const dataset = call::d_open(file_, record.path.c_str());
            std::vector<std::byte> bytes(count_of(record.shape) * size_of(record.type));
            if (!bytes.empty()) call::d_read(dataset, native_type(record.type), bytes.data());
            return bytes;
        });
    }

    std::vector<io::Attribute> array_attributes(std::size_t number) override {
        return naming(run_.file, [&] {
            auto const dataset = call::d_open(file_, run_.arrays.at(number).path.c_str());
            auto attributes = read_attributes(dataset);
            std::erase_if(attributes, [](io::Attribute const& each) {
                return each.name == "crc32c" || each.name == maps_before;
            });
            return attributes;
        });
    }

private:
    static File open(std::string const& path) {
        struct stat status {};
        if (::stat(path.c_str(), &status) != 0 || ::access(path.c_str(), R_OK) != 0)
            throw EnvironmentError(
                fmt::format("{}: cannot be read ({}); check the file name", path, std::strerror(errno)));
        LibraryLock const lock;
        bool is_hdf5 = false;
        try {
            is_hdf5 = call::f_is_hdf5(path.c_str());
        } catch (CallError const&) {
            // Short files are errors to HDF5.
        }
        if (!is_hdf5)
            throw EnvironmentError(
                fmt::format("{}: is no HDF5 file; give one that plenum has written", path));
        return naming(path, [&] { return File(path, FileMode::read); });
    }

    void check_format(std::string const& path) {
        auto const root = call::g_open(file_, "/");
        if (read_text_attribute(root, "format") != "plenum")
            throw EnvironmentError(
                fmt::format("{}: was not written by plenum; give a file that it has written", path));
        auto const version = read_number_attribute(root, "format_version");
        if (version != format_version) throw other_format_error(path, version);
        if (!path_exists(file_, "/provenance/identity_record"))
            throw EnvironmentError(
                fmt::format("{}: its run has not ended, and its journal is gone; run it again", path));
    }

    void visit_timing(std::string const& path, bool in_chunks,
                      std::function<void(io::StoredTiming const&)> const& visit) {
        auto const column = [&](char const* name) {
            return call::d_open(file_, (path + "/" + name).c_str());
        };
        auto const rank = column("rank"), process = column("process"), start = column("start"),
                   duration = column("duration"), peak = column("peak_rss");
        Handle const first = in_chunks ? column("first") : Handle();
        Handle const count = in_chunks ? column("count") : Handle();
        auto const rows = extents_of(rank).at(0);
        for (std::uint64_t at = 0; at < rows; at += rows_at_once) {
            auto const part = std::min(rows_at_once, rows - at);
            auto const ranks = read_column<std::int32_t>(rank, at, part);
            auto const processes = read_column<std::int32_t>(process, at, part);
            auto const starts = read_column<double>(start, at, part);
            auto const durations = read_column<double>(duration, at, part);
            auto const peaks = read_column<std::uint64_t>(peak, at, part);
            std::vector<std::uint64_t> firsts;
            std::vector<std::uint32_t> counts;
            if (in_chunks) {
                firsts = read_column<std::uint64_t>(first, at, part);
                counts = read_column<std::uint32_t>(count, at, part);
            }
            for (std::size_t i = 0; i < part; ++i) {
                if (ranks[i] < 0) continue;  // it did not run
                auto const number = static_cast<std::uint32_t>(processes[i] + 1);
                if (number == 0 || number > run_.runs.size()) throw io::FieldError();
                visit({.row = {.first = in_chunks ? firsts[i] : at + i,
                               .count = in_chunks ? counts[i] : 1,
                               .rank = ranks[i],
                               .start = starts[i],
                               .duration = durations[i],
                               .peak_rss = peaks[i]},
                       .process = number});
            }
        }
    }

    void check_ragged(std::size_t number, io::CheckReport& report) override {
        auto const& map = run_.maps.at(number);
        auto const damaged = [&](io::Segment const& segment, std::uint64_t bytes, std::string what) {
            report.damage.push_back({.map = map.spec.name,
                                     .first = segment.first,
                                     .count = segment.count,
                                     .bytes = bytes,
                                     .what = std::move(what)});
        };
        io::Segment const all{.first = 0, .count = map.spec.tasks};
        try {
            auto const group = call::g_open(file_, ("/results/" + map.spec.name).c_str());
            auto const dataset = call::d_open(group, "offsets");
            auto const offsets = read_column<std::uint64_t>(dataset, 0, map.spec.tasks + 1);
            ++report.checksums;
            report.bytes += offsets.size() * sizeof(std::uint64_t);
            auto const crc = static_cast<std::uint32_t>(read_number_attribute(dataset, "crc32c"));
            if (base::crc32c(std::as_bytes(std::span(offsets))) != crc)
                return damaged(all, offsets.size() * sizeof(std::uint64_t),
                               "their offsets do not have their checksum");
            for (auto const& segment : map.segments) {
                auto const begin = offsets.at(segment.first), end = offsets.at(segment.first + segment.count);
                auto const bytes = (end - begin) * size_of(map.spec.type);
                ++report.checksums;
                report.bytes += bytes;
                try {
                    if (checksum(group, map.spec.type, begin, end) != segment.crc)
                        damaged(segment, bytes, "their bytes do not have their checksum");
                } catch (CallError const& error) {
                    damaged(segment, bytes, error.what());
                }
            }
        } catch (CallError const& error) {
            damaged(all, 0, error.what());
        }
    }

    static std::uint32_t checksum(hid_t group, ElementType type, std::uint64_t begin, std::uint64_t end) {
        std::uint32_t crc = 0;
        for (auto at = begin; at < end; at += rows_at_once)
            crc = base::crc32c(values(group, type, at, std::min(end, at + rows_at_once)), crc);
        return crc;
    }

    static std::vector<std::byte> values(hid_t group, ElementType type, std::uint64_t begin,
                                         std::uint64_t end) {
        if (end < begin) throw CallError("its offsets go back");
        if (begin == end) return {};
        return read_rows(call::d_open(group, "values"), type, begin, end - begin);
    }

    File file_;
};

}  // namespace

std::unique_ptr<io::RunReader> read_finished(std::string const& path) {
    return std::make_unique<FinishedReader>(path);
}

}  // namespace plenum::hdf5
