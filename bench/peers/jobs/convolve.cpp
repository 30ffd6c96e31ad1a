// bench_peers run convolve: pool.map over filters, whole results in memory or their power.
#include <cstdint>
#include <filesystem>
#include <plenum/plenum.hpp>
#include <span>
#include <string>

#include "convolution.hpp"
#include "jobs/options.hpp"
#include "work.hpp"

namespace bench {
namespace {

/// Runs the map once for a few filters, then timed; saves what `numbers_of(results)` gives.
template <class Task>
auto measure(plenum::JobContext& job, Task const& task, plenum::MapOptions const& options) {
    auto const ranks = static_cast<std::uint64_t>(job.pool().ranks());
    (void)job.pool().map(task, plenum::indices(2 * ranks), options);
    auto const start = now_ns();
    auto results = job.pool().map(task, plenum::indices(job.option<std::uint64_t>("items")), options);
    report(seconds_since(start), 0);
    return results;
}

int convolve_job(plenum::JobContext& job) {
    std::filesystem::path const folder = job.option<std::string>("folder");
    auto const layout = peer_layout(job.option<std::size_t>("side"));
    auto const strided = job.pool().share_filled<float>(
        layout.size(), [&](std::span<float> out) { load_image(folder, layout, out); });
    auto const filters = job.pool().share(load_filters(folder, job.option<std::size_t>("bank")));
    auto const saved = job.option<std::size_t>("saved");
    auto const kept = layout.shape().kept();
    if (job.option<std::string>("mode") == "reduced") {
        auto const results =
            measure(job,
                    [strided = strided.ref(), filters = filters.ref(), layout](std::uint64_t filter) {
                        return convolve_power(strided.span(), layout, filters.span(), filter);
                    },
                    {});
        save_array(job.option<std::string>("save"), results.span().first(saved));
        return 0;
    }
    auto const results = measure(job,
                                 [strided = strided.ref(), filters = filters.ref(), layout](
                                     std::uint64_t filter, std::span<float> out) {
                                     convolve(strided.span(), layout, filters.span(), filter, out);
                                 },
                                 {.shape = {kept.rows, kept.columns}});
    std::vector<float> pixels;
    for (std::size_t i = 0; i < saved; ++i) {
        auto const result = results[i];
        pixels.insert(pixels.end(), result.begin(), result.end());
    }
    save_array<float>(job.option<std::string>("save"), pixels);
    return 0;
}

bool const registered = plenum::add_job({.name = "convolve",
                                         .summary = "one image, many filters",
                                         .options = peer_options({"side", "bank", "saved", "mode"}),
                                         .run = convolve_job});

}  // namespace
}  // namespace bench
