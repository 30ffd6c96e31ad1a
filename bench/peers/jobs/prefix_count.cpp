// bench_peers run prefix_count: actors that count prefixes, merged at the end.
#include <cstdint>
#include <plenum/plenum.hpp>
#include <span>
#include <string>

#include "arrays.hpp"
#include "jobs/options.hpp"
#include "prefix_lines.hpp"
#include "support/prefix_counter.hpp"
#include "work.hpp"

namespace bench {
namespace {

int prefix_count_job(plenum::JobContext& job) {
    auto const folder = job.option<std::string>("folder");
    auto const items = job.option<std::uint64_t>("items"), few = job.option<std::uint64_t>("few");
    auto const actors = job.option<std::uint64_t>("workers");
    auto const share = [&](std::uint64_t count) {
        auto const text = load_documents(folder, count);
        return job.pool().share(std::span<char const>(text), text.size());
    };
    auto const count = [&](plenum::SharedArray<char> const& text) {
        auto const batch = plenum::jobs::usual_batch(text.size(), actors);
        return popular_lines(plenum::jobs::count_prefixes(job.pool(), text, actors, batch));
    };
    auto const text = share(items);
    auto lines = count(share(few));  // what slower competitors count, and a warm-up
    auto const start = now_ns();
    auto const all = count(text);
    report(seconds_since(start), 0);
    if (items > few) lines += "\n" + all;
    save_array(job.option<std::string>("save"), std::span<char const>(lines));
    return 0;
}

bool const registered = plenum::add_job({.name = "prefix_count",
                                         .summary = "prefixes counted by actors",
                                         .options = peer_options({"documents", "few", "words", "vocabulary"}),
                                         .run = prefix_count_job});

}  // namespace
}  // namespace bench
