// Blobs by their distance functions, without calls of libm, whose last bits depend on the processor.
#include "support/blobs.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include "support/philox.hpp"

namespace plenum::jobs {
namespace {

constexpr std::size_t pixels_per_blob = 6000;
constexpr float ground = 40;
constexpr float grain = 48;  // from end to end

/// 1 in the centre, 0 from the radius on, and smooth.
void add_blob(std::array<float, 4> const& random, Extent extent, std::span<float> light) {
    auto const rows = static_cast<float>(extent.rows);
    auto const columns = static_cast<float>(extent.columns);
    auto const y = random[0] * rows;
    auto const x = random[1] * columns;
    auto const radius = 6 + 30 * random[2];
    auto const brightness = 90 + 110 * random[3];
    auto const from = [&](float centre) { return static_cast<std::size_t>(std::max(0.0F, centre - radius)); };
    auto const to = [&](float centre, float end) {
        return static_cast<std::size_t>(std::min(end, centre + radius + 1));
    };
    for (auto row = from(y); row < to(y, rows); ++row) {
        auto const dy = static_cast<float>(row) - y;
        for (auto column = from(x); column < to(x, columns); ++column) {
            auto const dx = static_cast<float>(column) - x;
            auto const inside = std::max(0.0F, 1 - (dx * dx + dy * dy) / (radius * radius));
            auto& pixel = light[row * extent.columns + column];
            pixel = std::max(pixel, brightness * std::min(1.0F, 2 * inside));
        }
    }
}

}  // namespace

void draw_blobs(std::uint64_t number, std::uint64_t seed, Extent extent, std::span<std::uint8_t> pixels) {
    std::vector<float> light(extent.size(), 0.0F);
    auto const blobs = extent.size() / pixels_per_blob + 1;
    for (std::size_t blob = 0; blob < blobs; ++blob) {
        add_blob(uniform4(seed, RandomStream::blobs, number, static_cast<std::uint32_t>(blob)), extent,
                 light);
    }
    for (std::size_t first = 0; first < pixels.size(); first += 4) {
        auto const random =
            uniform4(seed, RandomStream::blob_grain, number, static_cast<std::uint32_t>(first / 4));
        for (std::size_t k = first; k < std::min(first + 4, pixels.size()); ++k) {
            auto const grey = ground + light[k] + grain * (random[k - first] - 0.5F);
            pixels[k] = static_cast<std::uint8_t>(std::clamp(grey, 0.0F, 255.0F));
        }
    }
}

}  // namespace plenum::jobs
