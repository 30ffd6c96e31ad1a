// A multilayer perceptron: its parameters, their file, and the evaluation of batches of samples.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace plenum::jobs {

/// Widths of the layers, inputs first, classes last. Trivially copyable: tasks capture it.
class Layers {
public:
    static constexpr std::size_t most = 16;
    static constexpr std::uint64_t widest = 1 << 20;

    Layers() = default;
    /// Throws UsageError that names `option` unless `text` is 2 to `most` widths with commas between them.
    Layers(std::string_view text, std::string_view option);

    [[nodiscard]] std::span<std::uint32_t const> widths() const noexcept { return {widths_.data(), count_}; }
    [[nodiscard]] std::size_t inputs() const noexcept { return widths_[0]; }
    [[nodiscard]] std::size_t classes() const noexcept { return widths_[count_ - 1]; }
    /// Floats of all weights and biases.
    [[nodiscard]] std::size_t parameters() const noexcept;
    /// Floats of the same in the form that evaluation uses.
    [[nodiscard]] std::size_t packed_parameters() const noexcept;
    friend bool operator==(Layers const&, Layers const&) noexcept = default;

private:
    std::array<std::uint32_t, most> widths_{};
    std::uint64_t count_ = 0;
};
static_assert(std::is_trivially_copyable_v<Layers>);

/// "784,2048,2048,10"
[[nodiscard]] std::string to_string(Layers const& layers);

/// For each layer but the first: its weights, row-major [inputs, outputs], then its biases.
struct Perceptron {
    Layers layers;
    std::vector<float> parameters;
};

/// Random weights, normal enough (He initialisation with uniform numbers), and no biases; a pure function of
/// its arguments.
[[nodiscard]] Perceptron random_perceptron(Layers const& layers, std::uint64_t seed);

/// Writes the file that load_perceptron reads, under its name when it is complete. Throws UsageError when a
/// file of that name is no such file: it would be lost; EnvironmentError when it cannot be written.
void save_perceptron(Perceptron const& perceptron, std::filesystem::path const& path);
/// Throws UsageError when save_perceptron would: to be asked before the weights are made.
void require_weights_path(std::filesystem::path const& path);

/// Throws EnvironmentError that names the file when it is missing, cut off or something else.
[[nodiscard]] Perceptron load_perceptron(std::filesystem::path const& path);

/// The form for evaluation, see dense_product.hpp: for each layer its biases, then its weights in panels.
/// `packed` has packed_parameters floats. One pass over the parameters.
void pack(Perceptron const& perceptron, std::span<float> packed);

/// Evaluates batches; keeps the memory between the layers from one batch to the next.
class Evaluator {
public:
    explicit Evaluator(Layers const& layers) noexcept : layers_(layers) {}

    /// Writes the class of the largest output for each sample. `samples` is row-major, [count, inputs], and
    /// count is predictions.size(); `packed` as pack() wrote it. On the calling thread.
    void classify(std::span<float const> packed, std::span<float const> samples,
                  std::span<std::int16_t> predictions);
    /// Writes the outputs themselves, [sample, class], for as many samples as `outputs` has rows.
    void outputs(std::span<float const> packed, std::span<float const> samples, std::span<float> outputs);

private:
    /// Leaves the outputs in from_, rows of row_pitch(classes).
    void evaluate(std::span<float const> packed, std::span<float const> samples, std::size_t count);

    Layers layers_;
    std::vector<float> from_;
    std::vector<float> to_;
};

/// The outputs for one sample, in double precision straight from the definition. Shares no code with
/// Evaluator.
[[nodiscard]] std::vector<double> outputs_reference(Perceptron const& perceptron,
                                                    std::span<float const> sample);

}  // namespace plenum::jobs
