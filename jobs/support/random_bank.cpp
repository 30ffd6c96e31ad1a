// Random filters that answer to edges: zero mean, unit weight.
#include "support/random_bank.hpp"

#include <cmath>
#include <span>

#include "support/philox.hpp"

namespace plenum::jobs {
namespace {

void fill_filter(std::span<float> taps, std::uint64_t index, std::uint64_t seed) {
    double mean = 0;
    for (std::size_t first = 0; first < taps.size(); first += 4) {
        auto const numbers =
            uniform4(seed, RandomStream::filter_bank, index, static_cast<std::uint32_t>(first / 4));
        for (std::size_t k = first; k < taps.size() && k < first + 4; ++k) {
            taps[k] = numbers[k - first];
            mean += static_cast<double>(taps[k]);
        }
    }
    mean /= static_cast<double>(taps.size());
    double weight = 0;
    for (auto const tap : taps) weight += std::abs(static_cast<double>(tap) - mean);
    for (auto& tap : taps) {
        // Equal taps (always so for one tap) have no edge to answer to: they become an average.
        tap = static_cast<float>(weight > 0 ? (static_cast<double>(tap) - mean) / weight
                                            : 1.0 / static_cast<double>(taps.size()));
    }
}

}  // namespace

std::vector<float> random_bank(std::uint64_t filters, Extent size, std::uint64_t seed) {
    std::vector<float> bank(filters * size.size());
    for (std::uint64_t index = 0; index < filters; ++index) {
        fill_filter(std::span(bank).subspan(index * size.size(), size.size()), index, seed);
    }
    return bank;
}

}  // namespace plenum::jobs
