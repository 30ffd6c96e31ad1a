// bench_peers run segment: pool.map over images; masks in node memory, or masks and areas as Python's peers
// return them.
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <plenum/plenum.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "jobs/consecutive.hpp"
#include "jobs/options.hpp"
#include "masks.hpp"
#include "work.hpp"

namespace bench {
namespace {

using MaskAndAreas = std::pair<std::vector<std::uint8_t>, std::vector<std::uint32_t>>;

int segment_job(plenum::JobContext& job) {
    std::filesystem::path const folder = job.option<std::string>("folder");
    auto const side = job.option<std::size_t>("side");
    auto const images = job.option<std::uint64_t>("images"), items = job.option<std::uint64_t>("items");
    auto const stack = job.pool().share_filled<std::uint8_t>(
        {images, side * side}, [&](std::span<std::uint8_t> out) { read_array(folder / "images.u8", out); });
    auto const measure = [&](auto const& task, plenum::MapOptions const& options) {
        (void)job.pool().map(task, plenum::indices(2 * job.option<std::uint64_t>("workers")), options);
        auto const start = now_ns();
        auto results = job.pool().map(task, plenum::indices(items), options);
        report(seconds_since(start), 0);
        return results;
    };
    Segmenter const segmenter(side);
    if (job.option<int>("areas") == 0) {
        auto const masks = measure(
            [stack = stack.ref(), segmenter, images](std::uint64_t i, std::span<std::uint8_t> mask) {
                segmenter(stack.row(i % images), mask);
            },
            {.shape = {side, side}});
        save_array(job.option<std::string>("save"),
                   consecutive(masks).first(std::min(images, items) * side * side));
        return 0;
    }
    auto const found = measure(
        [stack = stack.ref(), segmenter, images](std::uint64_t i) {
            MaskAndAreas result;
            result.first.resize(segmenter.extent.size());
            result.second = segmenter(stack.row(i % images), result.first);
            return result;
        },
        {});
    std::vector<std::uint8_t> masks;
    for (std::uint64_t i = 0; i < std::min(images, items); ++i) {
        auto const mask = found[i].first;
        masks.insert(masks.end(), mask.begin(), mask.end());
    }
    save_array(job.option<std::string>("save"), std::span<std::uint8_t const>(masks));
    return 0;
}

bool const registered = plenum::add_job({.name = "segment",
                                         .summary = "masks of images",
                                         .options = peer_options({"side", "images", "areas"}),
                                         .run = segment_job});

}  // namespace
}  // namespace bench
