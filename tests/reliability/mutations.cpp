// Damages the journal or the partial file of a run that was cut short, in many ways, and goes on with it:
//   mutations COUNT [SEED] [FOLDER]
// Each time the run has to refuse what it finds, or to end with the results of an undisturbed run. Looking at
// the files (plenum status and validate) must never end the process either. Prints how often each happened.
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <plenum/error.hpp>
#include <random>
#include <string>
#include <vector>

#include "hdf5/dataset_source.hpp"
#include "hdf5/open_run.hpp"
#include "hdf5/result_file.hpp"
#include "io/journal_format.hpp"
#include "io/packed_result.hpp"

namespace {

using namespace plenum;

constexpr std::uint64_t tasks = 24;
constexpr auto const* with_packed = "packed";  // the job that has results that come compressed

/// What became of one damaged run. The values are exit codes.
enum class Outcome { same = 0, wrong = 1, refused = 3, crash = 4, hang = 5 };

std::vector<double> result_of(std::uint64_t task, std::uint64_t elements) {
    std::vector<double> values(elements);
    std::iota(values.begin(), values.end(), static_cast<double>(task) + 0.25);
    return values;
}

std::unique_ptr<io::ResultSink> open_sink(std::string const& path, std::string const& job) {
    return hdf5::create_result_file({.path = path,
                                     .identity = {.job = job, .options = {{"size", "3", true}}, .seed = 7},
                                     .commit_seconds = 0,
                                     .lock = {.patience_seconds = 0}});
}

/// Computes what is missing of the tasks before `last`.
void run_map(io::ResultSink& sink, io::MapSpec const& spec, std::uint64_t last) {
    auto const map = sink.begin_map(spec);
    io::ResultPacker packer;
    std::vector<bool> done(spec.tasks);
    for (auto const& [first, count] : sink.earlier_results(map).done)
        for (std::uint64_t i = 0; i < count; ++i) done[first + i] = true;
    for (std::uint64_t task = 0; task < last; ++task) {
        if (done[task]) continue;
        auto const values = result_of(task, spec.fixed ? count_of(spec.shape) : task % 5);
        if (spec.packed) {
            auto const packed = packer.pack(*io::packing_of(spec, 6), std::as_bytes(std::span(values)));
            sink.put_packed(map, task, std::vector<std::uint64_t>{packed.size()}, packed);
        } else if (spec.fixed)
            sink.put_fixed(map, task, 1, std::as_bytes(std::span(values)));
        else
            sink.put_ragged(map, task, std::vector<std::uint64_t>{values.size()},
                            std::as_bytes(std::span(values)));
        if (task % 6 == 5) sink.commit();
    }
    sink.commit();
}

/// The run; stops before its end when `parts` is less than 4.
void run(std::string const& path, std::string const& job, int parts) {
    auto sink = open_sink(path, job);
    auto const array = result_of(100, 30);
    sink->write_array("inputs/x", ElementType::f64, {30}, std::as_bytes(std::span(array)), {});
    run_map(*sink, {.name = "fixed", .tasks = tasks, .shape = {12}}, parts < 2 ? 12 : tasks);
    if (parts < 2) return (void)sink.release();
    run_map(*sink, {.name = "ragged", .tasks = tasks, .fixed = false}, parts < 3 ? 12 : tasks);
    // Compressed in the journal, and published as they are.
    if (job == with_packed)
        run_map(*sink, {.name = "packed", .tasks = 3, .shape = {8200}, .packed = true}, parts < 4 ? 2 : 3);
    if (parts < 3) return (void)sink.release();
    run_map(*sink, {.name = "last", .tasks = 6, .shape = {12}}, parts < 4 ? 5 : 6);
    if (parts < 4) return (void)sink.release();
    sink->publish({});
}

/// The bytes of every result of a published file.
std::string results_in(std::string const& path, std::string const& job) {
    std::string all;
    auto const source = hdf5::make_dataset_source();
    std::vector<std::string> names{
        "results/fixed", "results/ragged/values", "results/ragged/offsets", "results/last",
        "inputs/x",      "tasks/fixed/status",    "tasks/ragged/status",    "tasks/last/status"};
    if (job == with_packed) names.insert(names.end(), {"results/packed", "tasks/packed/status"});
    for (auto const& name : names) {
        auto const info = source->info(path, name);
        std::vector<std::byte> bytes(count_of(info.shape) * size_of(info.type));
        source->read(path, name, info.type, bytes);
        all += fmt::format("{} {} {}:", name, name_of(info.type), bytes.size());
        all.append(reinterpret_cast<char const*>(bytes.data()), bytes.size());
    }
    return all;
}

/// Calls `work` in a process of its own; what it throws counts as refused.
Outcome in_child(std::function<Outcome()> const& work) {
    std::fflush(nullptr);
    auto const child = ::fork();
    if (child == 0) {
        ::alarm(20);
        try {
            ::_exit(static_cast<int>(work()));
        } catch (Error const& error) {
            bool const is_one_line = std::strchr(error.what(), '\n') == nullptr && *error.what() != '\0';
            ::_exit(static_cast<int>(is_one_line ? Outcome::refused : Outcome::wrong));
        }
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) return WTERMSIG(status) == SIGALRM ? Outcome::hang : Outcome::crash;
    return static_cast<Outcome>(WEXITSTATUS(status));
}

std::string content_of(std::string const& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(std::string const& path, std::string const& content) {
    std::ofstream(path, std::ios::binary) << content;
}

/// The files of a run that was cut short.
struct Files {
    std::string job, journal, partial;
};

class Campaign {
public:
    Campaign(std::string folder, std::uint64_t seed)
        : folder_(std::move(folder)), path_(folder_ + "/out.h5"), random_(seed) {
        for (int parts = 1; parts < 4; ++parts) states_.push_back(cut_short("example", parts));
        states_.push_back(cut_short(with_packed, 3));
        other_ = cut_short("another", 2);
        for (auto const* const job : {"example", with_packed}) {
            if (in_child([&] { return run(path_, job, 4), Outcome::same; }) != Outcome::same)
                throw EnvironmentError("the run itself fails");
            expected_[job] = results_in(path_, job);
            std::filesystem::remove(path_);
        }
    }

    /// One damaged run.
    void once() {
        auto files = states_[random_() % states_.size()];
        bool const is_journal = random_() % 2 == 0;
        auto& target = is_journal ? files.journal : files.partial;
        auto const kind = random_() % kinds.size();
        damage(target, kinds[kind], is_journal ? other_.journal : other_.partial);
        write_file(path_ + ".journal", files.journal);
        write_file(path_ + ".partial", files.partial);
        auto const looked = in_child([&] {
            (void)hdf5::open_run(path_, hdf5::Prefer::latest)->check();
            return Outcome::same;
        });
        auto outcome = in_child([&] {
            run(path_, files.job, 4);
            return results_in(path_, files.job) == expected_.at(files.job) ? Outcome::same : Outcome::wrong;
        });
        if (looked == Outcome::crash || looked == Outcome::hang || looked == Outcome::wrong) outcome = looked;
        ++counts_[outcome];
        if (outcome != Outcome::same && outcome != Outcome::refused) {
            auto const kept = fmt::format("{}/bad{}", folder_, ++bad_);
            write_file(kept + ".h5.journal", files.journal);
            write_file(kept + ".h5.partial", files.partial);
            std::printf("%s: %s of the %s: %s\n", kept.c_str(), kinds[kind],
                        is_journal ? "journal" : "partial file",
                        outcome == Outcome::wrong   ? "WRONG RESULT"
                        : outcome == Outcome::crash ? "CRASH"
                                                    : "HANG");
        }
        for (auto const* const ending : {"", ".journal", ".partial", ".lock", ".packed"})
            std::filesystem::remove(path_ + ending);
    }

    [[nodiscard]] std::uint64_t count(Outcome outcome) { return counts_[outcome]; }

private:
    static constexpr std::array kinds{
        "flipped bit",    "changed bytes", "cut",          "zeroed block",  "inserted bytes", "removed bytes",
        "repeated block", "foreign block", "foreign file", "other version", "flipped bits"};

    Files cut_short(std::string const& job, int parts) {
        if (in_child([&] { return run(path_, job, parts), Outcome::same; }) != Outcome::same)
            throw EnvironmentError("the run itself fails");
        Files const files{
            .job = job, .journal = content_of(path_ + ".journal"), .partial = content_of(path_ + ".partial")};
        for (auto const* const ending : {".journal", ".partial", ".lock"})
            std::filesystem::remove(path_ + ending);
        return files;
    }

    void damage(std::string& bytes, std::string_view kind, std::string const& foreign) {
        auto const at = random_() % bytes.size();
        auto const count =
            std::min<std::size_t>(1 + random_() % (random_() % 2 == 0 ? 16 : 5000), bytes.size() - at);
        auto const flip = [&] { bytes[random_() % bytes.size()] ^= static_cast<char>(1 << (random_() % 8)); };
        if (kind == "flipped bit") flip();
        if (kind == "flipped bits")
            for (auto i = random_() % 50; i-- > 0;) flip();
        if (kind == "changed bytes")
            for (std::size_t i = 0; i < std::min<std::size_t>(count, 64); ++i)
                bytes[at + i] = static_cast<char>(random_());
        if (kind == "cut") bytes.resize(at);
        if (kind == "zeroed block") std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), count, '\0');
        if (kind == "inserted bytes") bytes.insert(at, std::string(count, static_cast<char>(random_())));
        if (kind == "removed bytes") bytes.erase(at, count);
        if (kind == "repeated block") bytes.replace(random_() % bytes.size(), count, bytes.substr(at, count));
        if (kind == "foreign block")
            bytes.replace(at, count, foreign.substr(std::min(at, foreign.size()), count));
        if (kind == "foreign file") bytes = random_() % 4 == 0 ? std::string(count, 'x') : foreign;
        if (kind == "other version" && bytes.size() >= sizeof(io::JournalHeader)) {
            io::JournalHeader header;
            std::memcpy(&header, bytes.data(), sizeof header);
            header.version = static_cast<std::uint32_t>(random_() % 2 == 0 ? random_() % 4 : random_());
            header.crc = io::crc_of(header);
            std::memcpy(bytes.data(), &header, sizeof header);
        }
    }

    std::string folder_, path_;
    std::mt19937_64 random_;
    std::vector<Files> states_;
    Files other_;
    std::map<std::string, std::string> expected_;  // of each job
    std::map<Outcome, std::uint64_t> counts_;
    int bad_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    std::uint64_t const count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1000;
    std::uint64_t const seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
    std::string folder = std::string(argc > 3 ? argv[3] : std::filesystem::temp_directory_path().c_str()) +
                         "/plenum-mutations-XXXXXX";
    if (::mkdtemp(folder.data()) == nullptr) return 3;
    try {
        Campaign campaign(folder, seed);
        for (std::uint64_t i = 0; i < count; ++i) campaign.once();
        auto const bad =
            campaign.count(Outcome::wrong) + campaign.count(Outcome::crash) + campaign.count(Outcome::hang);
        fmt::print(
            "{{\"mutations\": {}, \"refused\": {}, \"harmless\": {}, \"wrong results\": {}, \"crashes\": {}, "
            "\"hangs\": {}}}\n",
            count, campaign.count(Outcome::refused), campaign.count(Outcome::same),
            campaign.count(Outcome::wrong), campaign.count(Outcome::crash), campaign.count(Outcome::hang));
        if (bad == 0) std::filesystem::remove_all(folder);
        return bad == 0 ? 0 : 1;
    } catch (std::exception const& error) {
        fmt::print(stderr, "{}\n", error.what());
        return 3;
    }
}
