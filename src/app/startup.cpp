#include "app/startup.hpp"

#include <elf.h>
#include <fmt/format.h>
#include <link.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <plenum/codec.hpp>
#include <set>

#include "base/cores.hpp"
#include "pool/agreed_error.hpp"
#include "wire/task_registry.hpp"

namespace plenum::app {
namespace {

/// What one rank tells all others. It follows the program's id, as only the same build reads it alike.
struct StartFacts {
    RankPlace place;
    std::string clashes;  // tasks that cannot be told apart
    OptionTexts options;
    std::string refusal;
    ExitCode refusal_code = ExitCode::usage;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(place, clashes, options, refusal, refusal_code);
    }
};

/// Stops at the first object, which is the program itself.
int hash_build_id(dl_phdr_info* info, std::size_t, void* result) {
    auto& hash = *static_cast<std::uint64_t*>(result);
    for (int i = 0; i < info->dlpi_phnum; ++i) {
        auto const& header = info->dlpi_phdr[i];
        if (header.p_type != PT_NOTE) continue;
        auto const* at = reinterpret_cast<char const*>(info->dlpi_addr + header.p_vaddr);
        for (auto const* const end = at + header.p_memsz; at + sizeof(ElfW(Nhdr)) <= end;) {
            ElfW(Nhdr) note;
            std::memcpy(&note, at, sizeof note);
            auto const name_size = (note.n_namesz + 3u) & ~3u, content_size = (note.n_descsz + 3u) & ~3u;
            if (note.n_type == NT_GNU_BUILD_ID)
                hash = wire::hash_bytes(at + sizeof note + name_size, note.n_descsz, hash);
            at += sizeof note + name_size + content_size;
        }
    }
    return 1;
}

std::string counted(int number, std::string_view noun) {
    return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

}  // namespace

std::vector<std::string> placement_warnings(comm::Topology const& topology,
                                            std::vector<RankPlace> const& places, int executors) {
    std::vector<std::string> warnings;
    for (int node = 0; node < topology.nodes; ++node) {
        int ranks = 0, threads = 0, node_cores = 0, least_cores = INT32_MAX, most_threads = 0;
        std::set<std::string> distinct;
        std::string host;
        for (std::size_t rank = 0; rank < places.size(); ++rank) {
            if (topology.node_of[rank] != node) continue;
            auto const& place = places[rank];
            ++ranks;
            threads += executors * place.threads;
            most_threads = std::max(most_threads, executors * place.threads);
            node_cores = std::max(node_cores, place.node_cores);
            least_cores = std::min(least_cores, place.count);
            distinct.insert(place.cores);
            host = topology.hosts[rank];
        }
        if (node_cores == 0) continue;
        if (threads > node_cores && executors > 1)
            warnings.push_back(fmt::format(
                "{} with {} each on {} run {} at once on {}: good for tasks that wait, slow for tasks that "
                "compute; for those lower --executors or --threads-per-task",
                counted(ranks, "rank"), counted(executors, "executor"), host, counted(threads, "thread"),
                counted(node_cores, "core")));
        else if (threads > node_cores)
            warnings.push_back(
                fmt::format("{} on {} with {} threads share {} cores; start fewer ranks or lower "
                            "--threads-per-task (or OMP_NUM_THREADS)",
                            counted(ranks, "rank"), host, threads, node_cores));
        else if (static_cast<int>(distinct.size()) < ranks && least_cores < ranks)
            warnings.push_back(
                fmt::format("ranks are bound to the same cores ({}) on {}; start mpirun with --bind-to "
                            "core, or --bind-to none",
                            *distinct.begin(), host));
        else if (most_threads > least_cores)
            warnings.push_back(
                fmt::format("a rank is bound to {} of the {} on {}, but computes with {}; start mpirun with "
                            "--bind-to none, or with --map-by slot:PE={}",
                            counted(least_cores, "core"), counted(node_cores, "core"), host,
                            counted(most_threads, "thread"), most_threads));
    }
    return warnings;
}

std::string program_id() {
    std::uint64_t hash = 14695981039346656037u;
    ::dl_iterate_phdr(&hash_build_id, &hash);
    auto const tasks = wire::registry_hash();
    return fmt::format("{:016x}", wire::hash_bytes(&tasks, sizeof tasks, hash));
}

AgreedStart agree_on_start(comm::Session& session, OptionTexts const& options, Refusal const& refusal,
                           int threads) {
    auto const& topology = session.topology();
    auto const cores = base::report_cores();
    StartFacts mine{.place = {.cores = cores.cores,
                              .count = cores.count,
                              .node_cores = cores.node_cores,
                              .threads = threads},
                    .clashes = wire::registry_clashes(),
                    .options = {},
                    .refusal = {}};
    if (topology.rank == 0) {
        mine.options = options;
        mine.refusal = refusal.message;
        mine.refusal_code = refusal.code;
    }
    Bytes encoded;
    encode(mine, encoded);
    auto const id = program_id();
    auto const texts = session.transport().exchange(
        id + std::string(reinterpret_cast<char const*>(encoded.data()), encoded.size()));

    for (std::size_t rank = 0; rank < texts.size(); ++rank)
        if (texts[rank].substr(0, id.size()) != texts[0].substr(0, id.size()))
            throw pool::AgreedError(fmt::format(
                "rank {} on {} runs another build of this program than rank 0 on {}; start every rank "
                "from the same file",
                rank, topology.hosts[rank], topology.hosts[0]));
    std::vector<StartFacts> all;
    for (auto const& text : texts)
        all.push_back(decode<StartFacts>(std::as_bytes(std::span(text)).subspan(id.size())));
    if (!all[0].refusal.empty()) throw pool::AgreedError(all[0].refusal, all[0].refusal_code);
    for (auto const& facts : all)
        if (!facts.clashes.empty())
            throw pool::AgreedError(fmt::format(
                "two loaded libraries hold the same task at the same place ({}); they look like copies of "
                "one file: load only one of them",
                facts.clashes));
    AgreedStart start{.options = std::move(all[0].options), .places = {}};
    for (auto& facts : all) start.places.push_back(std::move(facts.place));
    return start;
}

}  // namespace plenum::app
