// Training of a perceptron.
#pragma once

#include <cstddef>
#include <cstdint>

#include "support/digits.hpp"
#include "support/perceptron.hpp"

namespace plenum::jobs {

struct TrainingOptions {
    std::size_t epochs = 60;
    std::size_t batch = 32;
    float rate = 0.05F;  ///< falls to zero along a line
    float momentum = 0.9F;
    std::uint64_t seed = 0;  ///< of the first weights and of the order of the samples
};

/// Mini-batch gradient descent with momentum on the cross-entropy of the softmax of the outputs; rectified
/// linear units between the layers. Layers have to begin with digit_pixels and end with digit_classes. On the
/// calling thread: about a second for 64,64,64,10 and 1400 samples.
[[nodiscard]] Perceptron train(Layers const& layers, Samples const& samples, TrainingOptions const& options);

}  // namespace plenum::jobs
