#include "hdf5/published_results.hpp"

#include <fmt/format.h>

#include <cstring>
#include <plenum/error.hpp>
#include <vector>

#include "base/blake2b.hpp"
#include "base/crc32c.hpp"
#include "hdf5/file.hpp"
#include "hdf5/values.hpp"
#include "io/journal_records.hpp"

namespace plenum::hdf5 {
namespace {

/// Rows [first, first + count) of a dataset.
std::vector<std::byte> read_rows(hid_t dataset, ElementType type, std::uint64_t first, std::uint64_t count) {
    auto const place = call::d_space(dataset);
    std::vector<hsize_t> extents(static_cast<std::size_t>(call::s_rank(place)));
    call::s_extents(place, extents.data());
    std::vector<hsize_t> start(extents.size(), 0);
    start.front() = first;
    extents.front() = count;
    call::s_select_block(place, start.data(), extents.data());
    std::vector<std::byte> values(count_of({extents.begin(), extents.end()}) * size_of(type));
    if (!values.empty())
        call::d_read_block(dataset, native_type(type),
                           call::s_create_simple(static_cast<int>(extents.size()), extents.data()), place,
                           values.data());
    return values;
}

template <Element T>
std::vector<T> read_column(File& file, std::string const& path) {
    auto const dataset = call::d_open(file, path.c_str());
    hsize_t rows = 0;
    call::s_extents(call::d_space(dataset), &rows);
    std::vector<T> values(rows);
    if (rows > 0) call::d_read(dataset, native_type(element_type_of<T>()), values.data());
    return values;
}

FailureCause cause_named(std::string const& name) {
    for (int cause = 1; cause < 16; ++cause)
        if (name == name_of(static_cast<FailureCause>(cause))) return static_cast<FailureCause>(cause);
    return FailureCause::exception;
}

void take_failures(File& file, std::string const& name, io::MapId map, io::ResultSink& sink) {
    auto const group = "/failures/" + name;
    auto const tasks = read_column<std::uint64_t>(file, group + "/task");
    auto const attempts = read_column<std::int32_t>(file, group + "/attempt");
    auto const ranks = read_column<std::int32_t>(file, group + "/rank");
    auto const causes = read_strings(file, group + "/cause");
    auto const messages = read_strings(file, group + "/message");
    for (std::size_t i = 0; i < tasks.size(); ++i)
        sink.put_failure(map, {.task = tasks[i],
                               .attempt = attempts.at(i),
                               .rank = ranks.at(i),
                               .cause = cause_named(causes.at(i)),
                               .message = messages.at(i)});
}

}  // namespace

std::string map_fingerprint(io::MapSpec const& spec) {
    auto bare = spec;
    bare.attributes.clear();
    std::string digits;
    for (auto const byte : base::blake2b(io::encode(io::MapRecord{.spec = bare}).view()))
        digits += fmt::format("{:02x}", std::to_integer<int>(byte));
    return digits;
}

void take_results(std::string const& path, io::MapSpec const& spec, io::MapId map, io::ResultSink& sink) {
    try {
        File file(path, FileMode::read);
        auto const integrity = "/integrity/" + spec.name;
        if (!path_exists(file, integrity)) return;
        if (read_text_attribute(call::g_open(file, integrity.c_str()), "map") != map_fingerprint(spec))
            throw UsageError(fmt::format(
                "{}: map '{}' was another then (its version, items, shared arrays or shape); compute all "
                "anew with --force, or choose another file with -o",
                path, spec.name));
        take_failures(file, spec.name, map, sink);
        auto const first = read_column<std::uint64_t>(file, integrity + "/first");
        auto const count = read_column<std::uint64_t>(file, integrity + "/count");
        auto const crc = read_column<std::uint32_t>(file, integrity + "/crc32c");
        auto const results = "/results/" + spec.name;
        auto const values = call::d_open(file, (spec.fixed ? results : results + "/values").c_str());
        for (std::size_t i = 0; i < first.size(); ++i) {
            if (spec.fixed) {
                auto const bytes = read_rows(values, spec.type, first[i], count.at(i));
                if (base::crc32c(bytes) == crc.at(i)) sink.put_fixed(map, first[i], count[i], bytes);
                continue;
            }
            auto const offsets_of = call::d_open(file, (results + "/offsets").c_str());
            auto const raw = read_rows(offsets_of, ElementType::u64, first[i], count.at(i) + 1);
            std::vector<std::uint64_t> offsets(count[i] + 1);
            std::memcpy(offsets.data(), raw.data(), raw.size());
            auto const bytes =
                read_rows(values, spec.type, offsets.front(), offsets.back() - offsets.front());
            if (base::crc32c(bytes) != crc.at(i)) continue;
            for (std::size_t task = 0; task < count[i]; ++task)
                offsets[task] = offsets[task + 1] - offsets[task];
            offsets.pop_back();
            sink.put_ragged(map, first[i], offsets, bytes);
        }
    } catch (CallError const& error) {
        throw EnvironmentError(fmt::format(
            "{}: its results cannot be taken over ({}); compute all anew with --force", path, error.what()));
    }
}

}  // namespace plenum::hdf5
