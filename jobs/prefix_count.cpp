// The job prefix_count: actors count every proper prefix of every word of a stream of documents.
#include <fmt/format.h>

#include <algorithm>
#include <cereal/types/vector.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <plenum/error.hpp>
#include <plenum/job.hpp>
#include <plenum/pool.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/convolve_request.hpp"
#include "support/count.hpp"
#include "support/documents.hpp"
#include "support/packed_text.hpp"
#include "support/prefix_counter.hpp"
#include "support/prefix_trie.hpp"

namespace plenum::jobs {
namespace {

constexpr std::size_t printed_prefixes = 10;
constexpr std::uint64_t wholly_verified = 16 << 20;  // bytes of text

std::string text_of(JobContext& job) {
    if (!job.given("synthetic")) return read_documents(job.option<std::string>("text"));
    if (job.given("text"))
        throw UsageError(
            "--synthetic and --text exclude each other (both name the documents); give one of them");
    auto const count = parse_count(job.option<std::string>("synthetic"), "--synthetic", 1, 1'000'000'000);
    require_memory(3 * 1600.0 * static_cast<double>(count), fmt::format("--synthetic {}", count));
    return make_documents(count, job.seed());
}

void write(JobContext& job, std::vector<PrefixCount> const& found, std::uint64_t words,
           std::uint64_t popular) {
    std::vector<std::uint8_t> letters;
    std::vector<std::uint64_t> offsets{0}, counts;
    for (auto const& [prefix, count] : found) {
        letters.insert(letters.end(), prefix.begin(), prefix.end());
        offsets.push_back(letters.size());
        counts.push_back(count);
    }
    auto& file = job.results();
    file.write("results/prefix/values", std::span<std::uint8_t const>(letters), {letters.size()},
               {{"long_name", "letters of all prefixes, in alphabetical order"}, {"encoding", "UTF-8"}});
    file.write("results/prefix/offsets", std::span<std::uint64_t const>(offsets), {offsets.size()},
               {{"long_name", "where each prefix begins in values, and the end"}});
    file.write("results/count", std::span<std::uint64_t const>(counts), {counts.size()},
               {{"long_name", "words that each prefix begins"},
                {"units", "1"},
                {"words", static_cast<std::int64_t>(words)},
                {"counted_more_often_than", static_cast<std::int64_t>(popular)}});
}

void print(JobContext& job, std::vector<PrefixCount> const& found, std::uint64_t popular) {
    auto most = found;
    auto const shown = std::min(printed_prefixes, most.size());
    std::ranges::partial_sort(most, most.begin() + static_cast<std::ptrdiff_t>(shown),
                              [](auto const& a, auto const& b) {
                                  return a.count != b.count ? a.count > b.count : a.prefix < b.prefix;
                              });
    std::string line;
    for (auto const& [prefix, count] : std::span(most).first(shown))
        line += fmt::format("{}{} {}", line.empty() ? ": " : ", ", prefix, count);
    job.say(fmt::format("{} prefixes begin more than {} words{}", found.size(), popular, line));
}

/// All words of a short text, those with the rarest initial of a long one: a map has its price.
void verify(JobContext& job, std::string_view text, PrefixTrie const& merged,
            std::vector<PrefixCount> const& found, std::uint64_t popular) {
    char only = 0;
    if (text.size() > wholly_verified) {
        auto const by_initial = merged.words_by_initial();
        auto fewest = by_initial.end();
        for (auto each = by_initial.begin(); each != by_initial.end(); ++each)
            if (*each > 0 && (fewest == by_initial.end() || *each < *fewest)) fewest = each;
        if (fewest != by_initial.end()) only = static_cast<char>('a' + (fewest - by_initial.begin()));
    }
    std::map<std::string, std::uint64_t> counts;
    std::string word;
    std::uint64_t words = 0;
    auto const end_word = [&] {
        words += word.empty() ? 0 : 1;
        if (only == 0 || word.starts_with(only))
            for (std::size_t length = 1; length < word.size(); ++length) ++counts[word.substr(0, length)];
        word.clear();
    };
    for (auto const c : text) {
        auto const letter = letter_number(c);
        if (letter == 0)
            end_word();
        else if (word.size() < most_word_letters)
            word += static_cast<char>('a' + letter - 1);
    }
    end_word();
    std::vector<PrefixCount> wanted, have;
    for (auto const& [prefix, count] : counts)
        if (count > popular) wanted.push_back({prefix, count});
    for (auto const& each : found)
        if (only == 0 || each.prefix.starts_with(only)) have.push_back(each);
    if (words != merged.words() || wanted != have)
        throw Error(
            ExitCode::tasks_failed,
            fmt::format("verify: the actors counted {} words and {} prefixes, a plain map {} and {} (or "
                        "with other counts); do not use these results",
                        merged.words(), have.size(), words, wanted.size()));
    job.say(fmt::format("verify: {} words and {} prefixes{} are counted as by a plain map", words,
                        wanted.size(), only == 0 ? "" : fmt::format(" with the initial {}", only)));
}

int run_prefix_count(JobContext& job) {
    auto const popular =
        parse_count(job.option<std::string>("popular"), "--popular", 0, 1'000'000'000'000'000);
    auto const asked_batch =
        job.given("batch") ? parse_count(job.option<std::string>("batch"), "--batch", 1, 1'000'000'000) : 0;
    auto const actors = job.given("actors")
                            ? parse_count(job.option<std::string>("actors"), "--actors", 1, 10'000)
                            : static_cast<std::uint64_t>(job.pool().ranks());
    SharedArray<char> documents;
    auto batch = asked_batch;
    {
        auto const text = text_of(job);
        if (batch == 0) batch = usual_batch(text.size(), actors);
        job.say(fmt::format("{} actors count the prefixes in {:.1f} MB of text", actors,
                            static_cast<double>(text.size()) * 1e-6));
        if (job.dry_run()) {
            job.say(fmt::format("would run {} calls of actors", (text.size() + batch - 1) / batch));
            return 0;
        }
        documents = job.pool().share(std::span<char const>(text), text.size());
    }
    auto const begin = std::chrono::steady_clock::now();
    auto const merged = count_prefixes(job.pool(), documents, actors, batch);
    auto const found = merged.more_often_than(popular);
    std::chrono::duration<double> const seconds = std::chrono::steady_clock::now() - begin;
    job.say(fmt::format("{} words in {:.3f} s, {:.0f} MB/s", merged.words(), seconds.count(),
                        static_cast<double>(documents.size()) / seconds.count() * 1e-6));
    print(job, found, popular);
    write(job, found, merged.words(), popular);
    if (job.option<bool>("verify")) verify(job, {documents.data(), documents.size()}, merged, found, popular);
    return 0;
}

auto const registered =
    add_job({.name = "prefix_count",
             .summary = "count the prefixes of words in actors",
             .options = {{.name = "text",
                          .placeholder = "FILE,...",
                          .default_value = king_james_text,
                          .help = "text files or folders of them; words are runs of the letters a-z and A-Z"},
                         {.name = "synthetic",
                          .placeholder = "N",
                          .help = "make up N documents of 200 words instead, as in 5000 or 100k"},
                         {.name = "actors",
                          .placeholder = "N",
                          .help = "number of actors (one on each rank; those of a rank take turns)"},
                         {.name = "batch",
                          .placeholder = "BYTES",
                          .help = "text that an actor counts in one call (1M, or less of short texts)"},
                         {.name = "popular",
                          .placeholder = "N",
                          .default_value = "3",
                          .help = "keep prefixes that begin more than N words"},
                         {.name = "verify", .help = "count once more with a plain map, and compare"}},
             .run = run_prefix_count,
             .example = "mpirun -n 2 plenum run prefix_count --synthetic 10k --verify"});

}  // namespace
}  // namespace plenum::jobs
