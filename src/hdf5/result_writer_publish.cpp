// What HDF5 writes: arrays, and at the end the rest.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <plenum/error.hpp>
#include <utility>

#include "base/crc32c.hpp"
#include "hdf5/partial_update.hpp"
#include "hdf5/result_writer.hpp"
#include "hdf5/values.hpp"
#include "io/partial_contents.hpp"

namespace plenum::hdf5 {
namespace {

using io::bytes_of;

}  // namespace

void ResultWriter::write_array(std::string const& path, ElementType type, Shape const& shape,
                               std::span<std::byte const> values,
                               std::vector<io::Attribute> const& attributes,
                               std::optional<std::uint32_t> maps) {
    require_unpublished();
    take_over();
    auto const bytes = bytes_of(shape, type);
    if (values.size() != bytes)
        throw UsageError(
            fmt::format("{}: an array of {} bytes cannot be filled with {}", path, bytes, values.size()));
    io::ArrayRecord array{.path = path,
                          .type = type,
                          .shape = shape,
                          .crc = base::crc32c(values),
                          .maps = maps.value_or(maps_begun())};
    auto const known = std::ranges::find(arrays_, path, &io::ArrayRecord::path);
    bool const is_earlier = known != arrays_.end() && !arrays_begun_.contains(path);
    if (is_earlier && is_stored(*known, array)) {
        arrays_begun_.insert(path);
        return;
    }
    // What was computed from results may change with them, inputs may not.
    if (is_earlier && !known->outdated && !is_same(*known, array))
        throw UsageError(
            fmt::format("{}: the array {} is another than before the run was interrupted; use the same "
                        "inputs, another file "
                        "with -o, or --restart",
                        options_.path, path));
    update_file(
        bytes,
        [&](File& file) {
            if (is_earlier) call::l_delete(file, path.c_str());
            if (path_exists(file, path))
                throw UsageError(
                    fmt::format("{}: the result file has it already; choose another path", path));
            auto const dataset = write_dataset(file, path, type, shape, values);
            if (bytes > 0) array.offset = call::d_offset(dataset);
            for (auto const& attribute : attributes) write_attribute(dataset, attribute);
        },
        [&] { journal_.append(io::RecordKind::array, {io::encode(array).view()}); });
    if (is_earlier) arrays_.erase(known);
    arrays_.push_back(std::move(array));
    note_layout();
    arrays_begun_.insert(path);
}

void ResultWriter::unpack_results() {
    for (auto& map : maps_) {
        if (map.packed.empty()) continue;
        std::vector<std::byte> result(map.result_bytes);
        for (auto const& [first, piece] : map.packed)
            for (auto task = first; task < first + piece.count; ++task) {
                read_results(map, task, 1, result);
                partial_.write_at(map.offset + task * map.result_bytes, result);
                map.segments.push_back({.first = task, .count = 1, .crc = base::crc32c(result)});
            }
        map.packed.clear();  // the journal keeps them: a kill before the file has its name costs nothing
    }
}

void ResultWriter::publish(io::Provenance const& provenance) {
    require_unpublished();
    commit();
    if (options_.gzip == 0) unpack_results();
    Publication const publication{.facts = facts(),
                                  .maps = maps_,
                                  .arrays = arrays_,
                                  .runs = files_.runs(),
                                  .printed = printed_.entries(),
                                  .identity = options_.identity,
                                  .options = options_.run_options,
                                  .provenance = provenance,
                                  .partial = partial_,
                                  .journal = journal_,
                                  .storage = storage()};
    auto from = partial_.partial_path();
    if (options_.gzip != 0) {
        from = files_.packed_path();
        ::unlink(from.c_str());
        guarded_hdf5(from, bytes_written_, [&] { write_packed(from, publication); });
        files_.lock().require_mine();
        partial_.publish(from);
    } else {
        // Nothing tells that this update is complete but the name that the file takes.
        PartialUpdate update(files_, io::data_ranges(maps_, arrays_), committed_results_);
        update.run(bytes_of_rest(publication), [&](File& file) { write_rest(file, publication); });
        files_.lock().require_mine();
        partial_.publish(from);
        update.keep();
    }
    published_ = true;
    files_.remove_others();
}

FileFacts ResultWriter::facts() const {
    return {.software = options_.software,
            .version = options_.version,
            .git = options_.git,
            .created = utc_text(files_.runs().front().unix_seconds)};
}

Storage ResultWriter::storage() const {
    Storage storage{.gzip = options_.gzip, .threads = options_.pack_threads};
    if (options_.packed)
        storage.stored = [this, all = bytes_to_pack(maps_),
                          done = std::make_shared<std::uint64_t>(0)](std::uint64_t bytes) {
            *done += bytes;
            options_.packed(static_cast<double>(*done) / static_cast<double>(all));
        };
    return storage;
}

void ResultWriter::update_file(std::uint64_t bytes, std::function<void(File&)> const& use,
                               std::function<void()> const& note) {
    if (!taking_over_) commit();
    files_.lock().require_mine();
    PartialUpdate update(files_, io::data_ranges(maps_, arrays_), committed_results_);
    update.run(bytes, use);
    note();
    update.commit();
}

void ResultWriter::note_layout() {
    if (!committed_results_) return;  // the first commit does it
    append_layout();
    journal_.commit();
}

void ResultWriter::append_layout() {
    auto const layout = io::layout_of(partial_, io::data_ranges(maps_, arrays_));
    journal_.append(io::RecordKind::layout, {io::encode(layout).view()});
}

std::uint32_t ResultWriter::maps_begun() const {
    return static_cast<std::uint32_t>(std::ranges::count_if(maps_, &io::MapRecord::begun));
}

bool ResultWriter::is_same(io::ArrayRecord const& then, io::ArrayRecord const& now) {
    return then.type == now.type && then.shape == now.shape && then.crc == now.crc;
}

bool ResultWriter::is_stored(io::ArrayRecord const& then, io::ArrayRecord const& now) const {
    return is_same(then, now) && partial_.checksum(then.offset, bytes_of(then.shape, then.type)) == now.crc;
}

}  // namespace plenum::hdf5
