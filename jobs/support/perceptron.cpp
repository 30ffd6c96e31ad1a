// A multilayer perceptron: its widths, random weights, the packed form and the evaluation.
#include "support/perceptron.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <plenum/error.hpp>

#include "support/dense_product.hpp"
#include "support/philox.hpp"

namespace plenum::jobs {

Layers::Layers(std::string_view text, std::string_view option) {
    auto const* at = text.data();
    auto const* const end = at + text.size();
    while (count_ < most) {
        auto& width = widths_[count_++];
        auto const parsed = std::from_chars(at, end, width);
        if (parsed.ec != std::errc() || width == 0 || width > widest) break;
        at = parsed.ptr;
        if (at == end && count_ >= 2 && classes() <= INT16_MAX) return;
        if (at == end || *at++ != ',') break;
    }
    throw UsageError(
        fmt::format("{} '{}' are no layers (2 to {} widths from 1 to {}, classes at most {}); write for "
                    "example {} 784,2048,2048,10",
                    option, text, most, widest, INT16_MAX, option));
}

std::size_t Layers::parameters() const noexcept {
    std::size_t sum = 0;
    for (std::size_t k = 1; k < count_; ++k) sum += (widths_[k - 1] + std::size_t{1}) * widths_[k];
    return sum;
}

std::size_t Layers::packed_parameters() const noexcept {
    std::size_t sum = 0;
    for (std::size_t k = 1; k < count_; ++k) sum += packed_size(widths_[k - 1] + std::size_t{1}, widths_[k]);
    return sum;
}

std::string to_string(Layers const& layers) {
    return fmt::format("{}", fmt::join(layers.widths(), ","));
}

Perceptron random_perceptron(Layers const& layers, std::uint64_t seed) {
    Perceptron perceptron{.layers = layers, .parameters = {}};
    perceptron.parameters.reserve(layers.parameters() + 4);
    auto const widths = layers.widths();
    for (std::size_t k = 1; k < widths.size(); ++k) {
        auto const weights = std::size_t{widths[k - 1]} * widths[k];
        auto const scale = std::sqrt(6.0F / static_cast<float>(widths[k - 1]));
        auto const end = perceptron.parameters.size() + weights;
        for (std::size_t first = 0; first < weights; first += 4) {
            auto const major = std::uint64_t{k} << 40 | first >> 32;
            for (auto const number :
                 uniform4(seed, RandomStream::perceptron, major, static_cast<std::uint32_t>(first))) {
                perceptron.parameters.push_back(scale * (2 * number - 1));
            }
        }
        perceptron.parameters.resize(end);
        perceptron.parameters.resize(end + widths[k], 0.0F);
    }
    return perceptron;
}

void pack(Perceptron const& perceptron, std::span<float> packed) {
    auto const widths = perceptron.layers.widths();
    std::span<float const> from(perceptron.parameters);
    for (std::size_t k = 1; k < widths.size(); ++k) {
        auto const weights = std::size_t{widths[k - 1]} * widths[k];
        auto const biases = packed.first(round_up(widths[k], panel_columns));
        std::ranges::fill(biases, 0.0F);
        std::ranges::copy(from.subspan(weights, widths[k]), biases.begin());
        auto const panels = packed.subspan(biases.size(), packed_size(widths[k - 1], widths[k]));
        pack_weights(from.first(weights), widths[k - 1], widths[k], panels);
        from = from.subspan(weights + widths[k]);
        packed = packed.subspan(biases.size() + panels.size());
    }
}

void Evaluator::evaluate(std::span<float const> packed, std::span<float const> samples, std::size_t count) {
    auto const widths = layers_.widths();
    if (packed.size() != layers_.packed_parameters() || samples.size() != count * widths.front()) {
        throw UsageError(
            fmt::format("{} packed parameters and {} inputs do not fit layers {} and {} samples; pass "
                        "what pack() made, and as many inputs as samples have",
                        packed.size(), samples.size(), to_string(layers_), count));
    }
    auto const rows = round_up(count, block_rows);
    std::size_t widest = 0;
    for (auto const width : widths) widest = std::max(widest, row_pitch(width));
    from_.resize(rows * widest);
    to_.resize(rows * widest);
    for (std::size_t row = 0; row < count; ++row) {
        std::ranges::copy(samples.subspan(row * widths[0], widths[0]),
                          from_.data() + row * row_pitch(widths[0]));
    }
    for (std::size_t k = 1; k < widths.size(); ++k) {
        auto const biases = round_up(widths[k], panel_columns);
        multiply({.from = from_.data(),
                  .weights = packed.data() + biases,
                  .bias = packed.data(),
                  .to = to_.data(),
                  .rows = rows,
                  .inputs = widths[k - 1],
                  .outputs = widths[k],
                  .activation = k + 1 < widths.size() ? Activation::relu : Activation::none});
        packed = packed.subspan(biases + packed_size(widths[k - 1], widths[k]));
        std::swap(from_, to_);
    }
}

void Evaluator::classify(std::span<float const> packed, std::span<float const> samples,
                         std::span<std::int16_t> predictions) {
    evaluate(packed, samples, predictions.size());
    auto const classes = layers_.classes();
    for (std::size_t row = 0; row < predictions.size(); ++row) {
        auto const* const outputs = from_.data() + row * row_pitch(classes);
        predictions[row] = static_cast<std::int16_t>(std::max_element(outputs, outputs + classes) - outputs);
    }
}

void Evaluator::outputs(std::span<float const> packed, std::span<float const> samples,
                        std::span<float> outputs) {
    auto const classes = layers_.classes();
    evaluate(packed, samples, outputs.size() / classes);
    for (std::size_t row = 0; row < outputs.size() / classes; ++row)
        std::copy_n(from_.data() + row * row_pitch(classes), classes, outputs.data() + row * classes);
}

std::vector<double> outputs_reference(Perceptron const& perceptron, std::span<float const> sample) {
    std::vector<double> from(sample.begin(), sample.end());
    auto const widths = perceptron.layers.widths();
    auto const* parameter = perceptron.parameters.data();
    for (std::size_t k = 1; k < widths.size(); ++k) {
        std::vector<double> to(widths[k], 0.0);
        for (auto const input : from) {
            for (auto& sum : to) sum += input * static_cast<double>(*parameter++);
        }
        for (auto& sum : to) {
            sum += static_cast<double>(*parameter++);
            if (k + 1 < widths.size()) sum = std::max(sum, 0.0);
        }
        from = to;
    }
    return from;
}

}  // namespace plenum::jobs
