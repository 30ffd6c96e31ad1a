// Checks that are the same for every run, and the reader of a run that has not ended.
#include "io/run_reader.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <numeric>
#include <plenum/error.hpp>
#include <string_view>
#include <thread>

#include "base/crc32c.hpp"
#include "io/packed_result.hpp"
#include "io/partial_contents.hpp"
#include "io/partial_file.hpp"
#include "io/positional.hpp"
#include "io/recorded_run.hpp"

namespace plenum::io {
namespace {

constexpr std::uint64_t read_at_once = 16 << 20;

std::uint64_t bytes_of(ArrayRecord const& array) {
    auto sizes = array.shape;
    sizes.push_back(size_of(array.type));
    return count_of(sizes);
}

class File {
public:
    explicit File(std::string path) : path_(std::move(path)) {}
    /// Opens the file when it is needed: a run that has only begun may not have it.
    std::vector<std::byte> read(std::uint64_t offset, std::uint64_t count) {
        if (!fd_) fd_.reset(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
        if (!fd_)
            throw EnvironmentError(
                fmt::format("{}: cannot be read ({}); check the file", path_, std::strerror(errno)));
        std::vector<std::byte> bytes(count);
        if (auto const error = read_fully(fd_.get(), offset, bytes); error != 0)
            throw EnvironmentError(
                fmt::format("{}: cannot be read ({}); check the disk", path_, std::strerror(error)));
        return bytes;
    }

private:
    std::string path_;
    base::UniqueFd fd_;
};

class UnfinishedReader final : public RunReader {
public:
    UnfinishedReader(std::string const& output, RecordedRun recorded)
        : layout_(recorded.undo ? std::nullopt : recorded.layout),
          journal_(journal_path_of(output)),
          partial_(partial_path_of(output)) {
        run_.holder = RunLock::holder(output);
        run_.state = run_.holder ? RunState::running : RunState::interrupted;
        run_.file = partial_path_of(output);
        run_.output = output;
        run_.identity = std::move(recorded.identity);
        run_.runs = std::move(recorded.runs);
        run_.options = std::move(recorded.options);
        run_.maps = std::move(recorded.maps);
        run_.arrays = std::move(recorded.arrays);
        run_.printed = std::move(recorded.printed);
        for (auto& map : run_.maps) std::ranges::sort(map.pieces, {}, &RaggedPiece::first);
    }

    void for_each_timing(std::size_t map, std::function<void(StoredTiming const&)> const& visit) override {
        for (auto const& piece : run_.maps.at(map).timing) {
            auto const bytes = journal_.read(piece.position, piece.rows * sizeof(TimingRow));
            StoredTiming timing{.process = piece.process};
            for (std::uint64_t i = 0; i < piece.rows; ++i) {
                std::memcpy(&timing.row, bytes.data() + i * sizeof(TimingRow), sizeof(TimingRow));
                visit(timing);
            }
        }
    }

    std::vector<std::byte> fixed(std::size_t map, std::uint64_t first, std::uint64_t count) override {
        auto const& record = run_.maps.at(map);
        auto bytes = partial_.read(record.offset + first * record.result_bytes, count * record.result_bytes);
        if (auto const damaged = unpack_into(record, first, count, read_journal_, bytes))
            throw EnvironmentError(fmt::format("{}: the result of task {} is damaged", run_.file, *damaged));
        return bytes;
    }

    std::vector<std::byte> ragged(std::size_t map, std::uint64_t task) override {
        auto const& record = run_.maps.at(map);
        auto next = std::ranges::upper_bound(record.pieces, task, {}, &RaggedPiece::first);
        if (next == record.pieces.begin()) return {};
        auto const& piece = *--next;
        if (task - piece.first >= piece.count) return {};
        auto const elements = lengths(piece);
        auto const element = size_of(record.spec.type);
        auto const here = elements.begin() + static_cast<std::ptrdiff_t>(task - piece.first);
        auto const before = std::accumulate(elements.begin(), here, std::uint64_t{0}) * element;
        if (before > piece.bytes || *here > (piece.bytes - before) / element)
            throw EnvironmentError(
                fmt::format("{}: the result of task {} is longer than its record", run_.file, task));
        return journal_.read(piece.position + piece.count * sizeof(std::uint64_t) + before, *here * element);
    }

    std::vector<std::byte> array(std::size_t number) override {
        auto const& record = run_.arrays.at(number);
        return partial_.read(record.offset, bytes_of(record));
    }

    /// They are in the partial file, which only its run opens with HDF5.
    std::vector<Attribute> array_attributes(std::size_t /*number*/) override { return {}; }

private:
    /// The journal's own checksums were right when it was opened.
    void check_ragged(std::size_t map, CheckReport& report) override {
        for (auto const& piece : run_.maps.at(map).pieces) {
            auto const elements = lengths(piece);
            auto const sum = std::accumulate(elements.begin(), elements.end(), std::uint64_t{0});
            report.bytes += piece.bytes + elements.size() * sizeof(std::uint64_t);
            ++report.checksums;
            if (sum * size_of(run_.maps[map].spec.type) != piece.bytes)
                report.damage.push_back({.map = run_.maps[map].spec.name,
                                         .first = piece.first,
                                         .count = piece.count,
                                         .bytes = piece.bytes,
                                         .what = "lengths and values do not fit together"});
        }
    }

    void check_packed(std::size_t number, IndexRanges& covered, CheckReport& report) override {
        auto const& map = run_.maps.at(number);
        std::vector<std::byte> result(map.result_bytes);
        for (auto const& [first, piece] : map.packed) {
            covered.add(first, piece.count);
            report.bytes += piece.bytes;
            for (auto task = first; task < first + piece.count; ++task) {
                ++report.checksums;
                Damage damage{.map = map.spec.name,
                              .first = task,
                              .count = 1,
                              .bytes = map.result_bytes,
                              .what = "their bytes do not have their checksum"};
                try {
                    if (unpack_into(map, task, 1, read_journal_, result)) report.damage.push_back(damage);
                } catch (EnvironmentError const& error) {
                    damage.what = error.what();
                    report.damage.push_back(damage);
                }
            }
        }
    }

    /// While the run is alive it may change just that.
    void check_rest(CheckReport& report) override {
        if (!layout_ || run_.holder) return;
        PartialFile const partial(run_.output, ExistingFile::replace, PartialFile::Begin::look);
        ++report.checksums;
        report.bytes += layout_->file_bytes;
        for (auto const& range : data_ranges(run_.maps, run_.arrays))
            report.bytes -= std::min(report.bytes, range.bytes);
        if (layout_of(partial, data_ranges(run_.maps, run_.arrays)) != *layout_)
            report.damage.push_back({.bytes = 0,
                                     .what = "what lies outside of results and arrays does not have its "
                                             "checksum"});
    }

    std::vector<std::uint64_t> lengths(RaggedPiece const& piece) {
        std::vector<std::uint64_t> elements(piece.count);
        auto const bytes = journal_.read(piece.position, piece.count * sizeof(std::uint64_t));
        if (!bytes.empty()) std::memcpy(elements.data(), bytes.data(), bytes.size());
        return elements;
    }

    std::optional<LayoutRecord> layout_;
    File journal_;
    File partial_;
    ReadJournal read_journal_ = [this](std::uint64_t position, std::span<std::byte> into) {
        auto const bytes = journal_.read(position, into.size());
        std::ranges::copy(bytes, into.begin());
    };
};

}  // namespace

std::string host_of(StoredRun const& run, StoredTiming const& timing) {
    if (timing.process == 0 || timing.process > run.runs.size() || timing.row.rank < 0) return "";
    auto const& hosts = run.runs[timing.process - 1].hosts;
    auto const rank = static_cast<std::size_t>(timing.row.rank);
    return rank < hosts.size() ? hosts[rank] : "";
}

RunReader::RaggedBlock RunReader::ragged_block(std::size_t map, std::uint64_t first, std::uint64_t count) {
    RaggedBlock block;
    for (auto task = first; task < first + count; ++task) {
        auto const values = ragged(map, task);
        block.lengths.push_back(values.size() / size_of(run_.maps.at(map).spec.type));
        block.values.insert(block.values.end(), values.begin(), values.end());
    }
    return block;
}

CheckReport RunReader::check() {
    CheckReport report;
    for (std::size_t map = 0; map < run_.maps.size(); ++map) {
        if (run_.maps[map].spec.fixed)
            check_fixed(map, report);
        else
            check_ragged(map, report);
    }
    for (std::size_t i = 0; i < run_.arrays.size(); ++i) {
        auto const& record = run_.arrays[i];
        Damage damage{.bytes = bytes_of(record),
                      .what = record.path + ": its bytes do not have its checksum"};
        try {
            if (base::crc32c(array(i)) != record.crc) report.damage.push_back(damage);
        } catch (EnvironmentError const& error) {
            damage.what = record.path + ": " + error.what();
            report.damage.push_back(damage);
        }
        report.bytes += damage.bytes;
        ++report.checksums;
    }
    check_rest(report);
    return report;
}

void RunReader::check_fixed(std::size_t number, CheckReport& report) {
    auto const& map = run_.maps[number];
    IndexRanges covered;
    for (auto const& segment : map.segments) {
        Damage damage{.map = map.spec.name,
                      .first = segment.first,
                      .count = segment.count,
                      .bytes = segment.count * map.result_bytes,
                      .what = "their bytes do not have their checksum"};
        covered.add(segment.first, segment.count);
        report.bytes += damage.bytes;
        ++report.checksums;
        try {
            std::uint32_t crc = 0;
            auto const at_once =
                std::max<std::uint64_t>(1, read_at_once / std::max<std::uint64_t>(1, map.result_bytes));
            for (std::uint64_t done = 0; done < segment.count;) {
                auto const count = std::min(at_once, segment.count - done);
                crc = base::crc32c(fixed(number, segment.first + done, count), crc);
                done += count;
            }
            if (crc != segment.crc) report.damage.push_back(damage);
        } catch (EnvironmentError const& error) {
            damage.what = error.what();
            report.damage.push_back(damage);
        }
    }
    check_packed(number, covered, report);
    map.done.for_each([&](std::uint64_t begin, std::uint64_t end) {
        covered.for_each_gap(begin, end, [&](std::uint64_t first, std::uint64_t last) {
            report.damage.push_back({.map = map.spec.name,
                                     .first = first,
                                     .count = last - first,
                                     .bytes = (last - first) * map.result_bytes,
                                     .what = "are done by the table of tasks and have no checksum"});
        });
    });
    covered.for_each([&](std::uint64_t begin, std::uint64_t end) {
        map.done.for_each_gap(begin, end, [&](std::uint64_t first, std::uint64_t last) {
            report.damage.push_back({.map = map.spec.name,
                                     .first = first,
                                     .count = last - first,
                                     .bytes = 0,
                                     .what = "have a checksum and are not done by the table of tasks"});
        });
    });
}

std::unique_ptr<RunReader> read_unfinished(std::string const& output) {
    // A run that begins again where another one was cut may cut the journal while it is read.
    constexpr int tries = 3;
    for (int i = 1;; ++i) {
        try {
            auto recorded = read_journal(journal_path_of(output));
            if (!recorded) recorded.emplace();
            return std::make_unique<UnfinishedReader>(output, std::move(*recorded));
        } catch (EnvironmentError const&) {
            if (i == tries || !RunLock::holder(output)) throw;
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
    }
}

std::string output_of(std::string name) {
    for (std::string_view const ending : {".partial", ".journal", ".lock", ".deaths"})
        if (name.size() > ending.size() && name.ends_with(ending)) {
            name.resize(name.size() - ending.size());
            break;
        }
    return name;
}

}  // namespace plenum::io
