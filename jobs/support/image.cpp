// Grey images: read from a picture file, or made up.
#include "support/image.hpp"

#include <algorithm>
#include <plenum/image.hpp>
#include <span>
#include <utility>

#include "support/philox.hpp"

namespace plenum::jobs {
namespace {

/// Value noise: random heights on a square lattice, linear in between, so without any call of libm, whose
/// last bits depend on the processor.
class NoiseRow {
public:
    NoiseRow(std::uint64_t seed, std::uint32_t octave, std::size_t cell, std::size_t columns)
        : seed_(seed), octave_(octave), cell_(cell), heights_(columns / cell + 2) {}

    /// Prepares the lattice for image row `row`.
    void move_to(std::size_t row) {
        auto const below = static_cast<float>(row % cell_) / static_cast<float>(cell_);
        for (std::size_t k = 0; k < heights_.size(); ++k) {
            auto const upper = height(row / cell_, k);
            heights_[k] = upper + below * (height(row / cell_ + 1, k) - upper);
        }
    }

    /// Adds `amplitude` times the noise to each pixel of the row.
    void add_to(std::span<float> pixels, float amplitude) const {
        auto const step = 1.0F / static_cast<float>(cell_);
        for (std::size_t first = 0, k = 0; first < pixels.size(); first += cell_, ++k) {
            auto const count = std::min(cell_, pixels.size() - first);
            auto const slope = (heights_[k + 1] - heights_[k]) * step;
            for (std::size_t x = 0; x < count; ++x) {
                pixels[first + x] += amplitude * (heights_[k] + slope * static_cast<float>(x));
            }
        }
    }

private:
    [[nodiscard]] float height(std::size_t row, std::size_t column) const {
        return uniform4(seed_, RandomStream::synthetic_image, std::uint64_t{octave_} << 32 | row,
                        static_cast<std::uint32_t>(column))[0];
    }

    std::uint64_t seed_;
    std::uint32_t octave_;
    std::size_t cell_;
    std::vector<float> heights_;
};

}  // namespace

Image load_image(std::filesystem::path const& path) {
    auto grey = plenum::load_image(path);
    return {{grey.rows, grey.columns}, std::move(grey.pixels)};
}

Image synthetic_image(Extent extent, std::uint64_t seed) {
    struct Octave {
        NoiseRow noise;
        float amplitude;
    };
    auto const octave = [&](std::uint32_t number, std::size_t cell, float amplitude) {
        return Octave{NoiseRow(seed, number, cell, extent.columns), amplitude};
    };
    std::vector<Octave> octaves{octave(0, 256, 0.5F), octave(1, 96, 0.25F), octave(2, 32, 0.17F),
                                octave(3, 12, 0.08F)};
    Image image{extent, std::vector<float>(extent.size(), 0.0F)};
    for (std::size_t row = 0; row < extent.rows; ++row) {
        auto const pixels = std::span(image.pixels).subspan(row * extent.columns, extent.columns);
        for (auto& [noise, amplitude] : octaves) {
            noise.move_to(row);
            noise.add_to(pixels, amplitude);
        }
        // Land above sea level is lighter: the coast is a sharp edge.
        for (auto& pixel : pixels) pixel = pixel > 0.5F ? std::min(0.15F + pixel, 1.0F) : 0.5F * pixel;
    }
    return image;
}

}  // namespace plenum::jobs
