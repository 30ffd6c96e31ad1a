// The segmentation in plain processes, which write the masks into memory that they share.
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <span>

#include "masks.hpp"
#include "serial/programs.hpp"
#include "work.hpp"

namespace bench {

void segment(Parameters const& parameters) {
    auto const side = parameters.number("side"), images = parameters.number("images");
    auto const items = parameters.number("items"), workers = parameters.number("workers");
    auto const pixels = side * side;
    auto const memory = [&](std::uint64_t count) {
        return std::span(reinterpret_cast<std::uint8_t*>(shared_numbers((count * pixels + 7) / 8)),
                         count * pixels);
    };
    auto const stack = memory(images), masks = memory(items);
    read_array(std::filesystem::path(parameters.text("folder")) / "images.u8", stack);
    std::ranges::fill(masks, std::uint8_t{2});  // pages that exist: the kernel alone is measured
    Segmenter const segmenter(side);
    auto const work = [&](std::uint64_t first, std::uint64_t last) {
        for (auto i = first; i < last; ++i)
            (void)segmenter(stack.subspan(i % images * pixels, pixels), masks.subspan(i * pixels, pixels));
    };
    (void)in_processes(workers, [&](std::uint64_t) { work(0, std::min<std::uint64_t>(2, items)); });
    auto const seconds =
        in_processes(workers, [&](std::uint64_t k) { work(items * k / workers, items * (k + 1) / workers); });
    report(seconds, 0);
    save_array(parameters.text("save"),
               std::span<std::uint8_t const>(masks).first(std::min(images, items) * pixels));
}

}  // namespace bench
