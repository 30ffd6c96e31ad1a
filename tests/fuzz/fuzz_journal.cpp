// Journals of any content are read or refused. The first byte of an input chooses: the rest is the file, or
// the records of a file whose checksums are right: kind, length, payload, again and again.
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <plenum/error.hpp>
#include <span>

#include "fuzz/fuzz_target.hpp"
#include "io/journal.hpp"
#include "io/journal_records.hpp"
#include "io/packed_result.hpp"
#include "io/recorded_run.hpp"

namespace {

using namespace plenum;

std::string const& journal_path() {
    static std::string const path = [] {
        bool const in_memory = std::filesystem::is_directory("/dev/shm");
        auto const folder =
            in_memory ? std::filesystem::path("/dev/shm") : std::filesystem::temp_directory_path();
        return (folder / ("plenum-fuzz-" + std::to_string(::getpid()))).string();
    }();
    return path;
}

void write_records(std::span<std::byte const> input) {
    io::Journal journal(journal_path());
    while (input.size() >= 2) {
        auto const kind = static_cast<io::RecordKind>(std::to_integer<unsigned>(input[0]) % 24);
        auto const count = std::min<std::size_t>(std::to_integer<std::size_t>(input[1]), input.size() - 2);
        if (kind == io::RecordKind::commit)
            journal.commit();
        else
            journal.append(kind, {input.subspan(2, count)});
        input = input.subspan(2 + count);
    }
    journal.commit();
}

void unpack_all(io::MapRecord const& map) {
    constexpr std::uint64_t most_bytes = 1 << 20;
    if (map.result_bytes > most_bytes) return;
    std::ifstream file(journal_path(), std::ios::binary);
    auto const read = [&](std::uint64_t position, std::span<std::byte> into) {
        file.clear();
        file.seekg(static_cast<std::streamoff>(position));
        file.read(reinterpret_cast<char*>(into.data()), static_cast<std::streamsize>(into.size()));
    };
    std::vector<std::byte> result(map.result_bytes);
    for (auto const& [first, piece] : map.packed)
        for (auto task = first; task < first + piece.count; ++task)
            (void)io::unpack_into(map, task, 1, read, result);
}

void append(std::string& text, io::RecordKind kind, std::span<std::byte const> payload) {
    text += static_cast<char>(kind);
    text += static_cast<char>(payload.size());
    text.append(reinterpret_cast<char const*>(payload.data()), payload.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    if (size == 0) return 0;
    auto const input = std::as_bytes(std::span(data, size)).subspan(1);
    ::unlink(journal_path().c_str());
    if (data[0] % 2 == 0)
        write_records(input);
    else
        std::ofstream(journal_path(), std::ios::binary)
            .write(reinterpret_cast<char const*>(input.data()), static_cast<std::streamsize>(input.size()));
    try {
        if (auto const run = io::read_journal(journal_path()))
            for (auto const& map : run->maps) unpack_all(map);
    } catch (EnvironmentError const&) {
        // Refused with a reason.
    }
    ::unlink(journal_path().c_str());
    return 0;
}

std::vector<std::string> fuzz_seeds() {
    std::string run(1, '\0');
    append(run, io::RecordKind::identity,
           io::encode(io::RunIdentity{.job = "j", .options = {{"a", "1", true}}}).view());
    append(run, io::RecordKind::run, io::encode(io::RunRecord{.unix_seconds = 1, .host = "h"}).view());
    append(run, io::RecordKind::map,
           io::encode(io::MapRecord{.spec = {.name = "m",
                                             .tasks = 4,
                                             .shape = {2},
                                             .scales = {{.name = "x", .values = {1, 2, 3, 4}}},
                                             .attributes = {{"k", 1.5}}},
                                    .result_bytes = 16,
                                    .offset = 2048})
               .view());
    append(run, io::RecordKind::map,
           io::encode(io::MapRecord{.spec = {.name = "r", .tasks = 4, .fixed = false}}).view());
    append(run, io::RecordKind::array,
           io::encode(io::ArrayRecord{.path = "i/x", .shape = {3}, .offset = 9}).view());
    append(run, io::RecordKind::commit, {});
    append(run, io::RecordKind::results,
           io::encode(io::ResultsRecord{.map = 0, .segments = {{0, 2, 7}, {3, 1, 8}}}).view());
    append(run, io::RecordKind::failure,
           io::encode(io::FailureRecord{.map = 0, .failure = {.task = 2}}).view());
    auto ragged = io::encode(io::RaggedHead{.map = 1, .first = 1, .count = 2});
    ragged.number<std::uint64_t>(1).number<std::uint64_t>(0).number(2.5);
    append(run, io::RecordKind::ragged, ragged.view());
    append(
        run, io::RecordKind::map,
        io::encode(io::MapRecord{.spec = {.name = "p", .tasks = 4, .shape = {8192}}, .result_bytes = 65536})
            .view());
    io::ResultPacker packer;
    io::MapSpec const large{.name = "p", .tasks = 4, .shape = {8192}};
    auto const packed = packer.pack(*io::packing_of(large, 9), std::vector<std::byte>(65536));
    auto pieces = io::encode(io::RaggedHead{.map = 2, .first = 2, .count = 1});
    pieces.number<std::uint64_t>(packed.size()).bytes(packed);
    append(run, io::RecordKind::packed, pieces.view());
    auto timing = io::encode(io::TimingHead{.map = 0, .process = 1});
    io::TimingRow const row{.first = 0, .count = 2, .duration = 1};
    timing.bytes(std::as_bytes(std::span(&row, 1)));
    append(run, io::RecordKind::timing, timing.view());
    append(run, io::RecordKind::layout, io::encode(io::LayoutRecord{.file_bytes = 9, .crc = 1}).view());
    append(run, io::RecordKind::discarded,
           io::encode(io::ResultsRecord{.map = 0, .segments = {{0, 2, 7}}}).view());
    append(run, io::RecordKind::undo,
           io::encode(io::Undo{.file_bytes = 9, .parts = {{.offset = 1, .bytes = {}}}}).view());

    ::unlink(journal_path().c_str());
    write_records(std::as_bytes(std::span(run)).subspan(1));
    std::ifstream file(journal_path(), std::ios::binary);
    std::string const bytes{std::istreambuf_iterator<char>(file), {}};
    ::unlink(journal_path().c_str());
    return {run, '\1' + bytes};
}
