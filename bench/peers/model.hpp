// The perceptron of the peers and its batches, as the workload has written them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "arrays.hpp"
#include "support/perceptron.hpp"

namespace bench {

/// The weights in the form for evaluation.
[[nodiscard]] inline std::vector<float> load_model(std::filesystem::path const& folder,
                                                   plenum::jobs::Layers const& layers) {
    std::vector<float> packed(layers.packed_parameters());
    plenum::jobs::pack(
        {.layers = layers, .parameters = read_array<float>(folder / "weights.f32", layers.parameters())},
        packed);
    return packed;
}

}  // namespace bench
