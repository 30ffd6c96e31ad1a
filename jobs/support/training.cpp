// Training of a perceptron, in matrices of Eigen.
#include "support/training.hpp"

#include <fmt/format.h>

#include <Eigen/Core>
#include <algorithm>
#include <numeric>
#include <plenum/error.hpp>
#include <random>
#include <vector>

namespace plenum::jobs {
namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Row = Eigen::Matrix<float, 1, Eigen::Dynamic>;

Eigen::Index index_of(std::size_t n) {
    return static_cast<Eigen::Index>(n);
}

/// Views of one layer in a vector of parameters.
struct Layer {
    Eigen::Map<Matrix> weights;
    Eigen::Map<Row> biases;
};

std::vector<Layer> layers_of(Layers const& layers, std::vector<float>& parameters) {
    std::vector<Layer> found;
    auto* at = parameters.data();
    auto const widths = layers.widths();
    for (std::size_t k = 1; k < widths.size(); ++k) {
        auto const inputs = index_of(widths[k - 1]);
        auto const outputs = index_of(widths[k]);
        found.push_back(
            {Eigen::Map<Matrix>(at, inputs, outputs), Eigen::Map<Row>(at + inputs * outputs, outputs)});
        at += (inputs + 1) * outputs;
    }
    return found;
}

/// Outputs of every layer, those of the last one as they are.
void forward(std::vector<Layer> const& layers, std::vector<Matrix>& outputs) {
    for (std::size_t k = 0; k < layers.size(); ++k) {
        outputs[k + 1].noalias() = outputs[k] * layers[k].weights;
        outputs[k + 1].rowwise() += Row(layers[k].biases);
        if (k + 1 < layers.size()) outputs[k + 1] = outputs[k + 1].cwiseMax(0.0F);
    }
}

/// What the cross-entropy of the softmax changes by with each output.
Matrix error_of(Matrix const& outputs, std::vector<std::uint8_t> const& labels) {
    Matrix error = (outputs.colwise() - outputs.rowwise().maxCoeff()).array().exp().matrix();
    for (Eigen::Index row = 0; row < error.rows(); ++row) {
        error.row(row) /= error.row(row).sum();
        error(row, labels[static_cast<std::size_t>(row)]) -= 1.0F;
    }
    return error / static_cast<float>(error.rows());
}

void backward(std::vector<Layer> const& layers, std::vector<Matrix> const& outputs, Matrix error,
              std::vector<Layer>& gradients) {
    for (auto k = layers.size(); k-- > 0;) {
        gradients[k].weights.noalias() = outputs[k].transpose() * error;
        gradients[k].biases = error.colwise().sum();
        if (k == 0) return;
        Matrix const through = error * layers[k].weights.transpose();
        error = (outputs[k].array() > 0.0F).select(through, 0.0F);
    }
}

}  // namespace

Perceptron train(Layers const& widths, Samples const& samples, TrainingOptions const& options) {
    if (widths.inputs() != digit_pixels || widths.classes() != digit_classes) {
        throw UsageError(
            fmt::format("--layers {} does not fit the digits ({} pixels, {} classes); write for example "
                        "--layers 64,64,64,10",
                        to_string(widths), digit_pixels, digit_classes));
    }
    auto perceptron = random_perceptron(widths, options.seed);
    auto& parameters = perceptron.parameters;
    std::vector<float> gradient(parameters.size());
    std::vector<float> velocity(parameters.size(), 0.0F);
    auto const layers = layers_of(widths, parameters);
    auto gradients = layers_of(widths, gradient);
    std::vector<std::size_t> order(samples.count());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::mt19937_64 generator(options.seed);
    std::vector<Matrix> outputs(layers.size() + 1);
    std::vector<std::uint8_t> labels;
    for (std::size_t epoch = 0; epoch < options.epochs; ++epoch) {
        auto const rate = options.rate * (1 - static_cast<float>(epoch) / static_cast<float>(options.epochs));
        for (auto k = order.size(); k > 1; --k) std::swap(order[k - 1], order[generator() % k]);
        for (std::size_t first = 0; first < order.size(); first += options.batch) {
            auto const count = std::min(options.batch, order.size() - first);
            outputs[0].resize(index_of(count), index_of(digit_pixels));
            labels.resize(count);
            for (std::size_t k = 0; k < count; ++k) {
                auto const sample = order[first + k];
                outputs[0].row(index_of(k)) = Eigen::Map<Row const>(
                    samples.inputs.data() + sample * digit_pixels, index_of(digit_pixels));
                labels[k] = samples.labels[sample];
            }
            forward(layers, outputs);
            backward(layers, outputs, error_of(outputs.back(), labels), gradients);
            for (std::size_t k = 0; k < parameters.size(); ++k) {
                velocity[k] = options.momentum * velocity[k] - rate * gradient[k];
                parameters[k] += velocity[k];
            }
        }
    }
    return perceptron;
}

}  // namespace plenum::jobs
