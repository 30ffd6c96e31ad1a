// The product kernel: a block of sums in registers, over panels that stay in the L2 cache.
#include "support/dense_product.hpp"

#include <algorithm>
#include <plenum/error.hpp>
#include <string>

namespace plenum::jobs {
namespace {

/// So many floats that lie anywhere in an array of floats.
template <std::size_t floats>
struct Vector {
    using type [[gnu::vector_size(floats * sizeof(float)), gnu::aligned(alignof(float)), gnu::may_alias]] =
        float;
};

/// Sums of `rows` rows and `vectors` vectors of columns, which all stay in registers.
template <std::size_t floats, std::size_t rows, std::size_t vectors>
[[gnu::always_inline]] inline void make_block(DenseProduct const& product, std::size_t first_row,
                                              float const* panel, float const* bias, float* to) {
    using V = typename Vector<floats>::type;
    auto const pitch = row_pitch(product.inputs);
    auto const* const from = product.from + first_row * pitch;
    V sums[rows][vectors];
    for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t v = 0; v < vectors; ++v) {
            sums[r][v] = *reinterpret_cast<V const*>(bias + v * floats);
        }
    }
    for (std::size_t k = 0; k < product.inputs; ++k, panel += panel_columns) {
        V weights[vectors];
        for (std::size_t v = 0; v < vectors; ++v) {
            weights[v] = *reinterpret_cast<V const*>(panel + v * floats);
        }
        for (std::size_t r = 0; r < rows; ++r) {
            auto const activation = from[r * pitch + k];
            for (std::size_t v = 0; v < vectors; ++v) sums[r][v] += activation * weights[v];
        }
    }
    auto const to_pitch = row_pitch(product.outputs);
    for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t v = 0; v < vectors; ++v) {
            auto sum = sums[r][v];
            if (product.activation == Activation::relu) sum = sum > 0.0F ? sum : sum - sum;
            *reinterpret_cast<V*>(to + (first_row + r) * to_pitch + v * floats) = sum;
        }
    }
}

template <std::size_t floats, std::size_t rows, std::size_t vectors>
[[gnu::always_inline]] inline void multiply_panels(DenseProduct const& product) {
    static_assert(block_rows % rows == 0 && panel_columns % (floats * vectors) == 0);
    for (std::size_t column = 0; column < product.outputs; column += panel_columns) {
        for (std::size_t part = column; part < column + panel_columns; part += floats * vectors) {
            auto const* const panel = product.weights + column * product.inputs + (part - column);
            for (std::size_t row = 0; row < product.rows; row += rows) {
                make_block<floats, rows, vectors>(product, row, panel, product.bias + part,
                                                  product.to + part);
            }
        }
    }
}

void multiply_baseline(DenseProduct const& product) {
    multiply_panels<4, 6, 2>(product);
}

#if defined(__x86_64__)
[[gnu::target("avx2,fma")]] void multiply_avx2(DenseProduct const& product) {
    multiply_panels<8, 6, 2>(product);
}

[[gnu::target("avx512f")]] void multiply_avx512f(DenseProduct const& product) {
    multiply_panels<16, 12, 2>(product);
}
#endif

}  // namespace

void pack_weights(std::span<float const> weights, std::size_t inputs, std::size_t outputs,
                  std::span<float> packed) {
    if (weights.size() != inputs * outputs || packed.size() != packed_size(inputs, outputs)) {
        throw UsageError("weights of " + std::to_string(inputs) + " x " + std::to_string(outputs) +
                         " do not fit the given arrays (" + std::to_string(weights.size()) + " and " +
                         std::to_string(packed.size()) + " floats); pass inputs * outputs and packed_size");
    }
    auto* to = packed.data();
    for (std::size_t column = 0; column < outputs; column += panel_columns) {
        auto const width = std::min(panel_columns, outputs - column);
        for (std::size_t row = 0; row < inputs; ++row, to += panel_columns) {
            std::copy_n(weights.data() + row * outputs + column, width, to);
            std::fill_n(to + width, panel_columns - width, 0.0F);
        }
    }
}

std::vector<ProductKernel> const& product_kernels() {
    static auto const kernels = [] {
        std::vector<ProductKernel> found{{.name = "baseline", .run = multiply_baseline}};
#if defined(__x86_64__)
        if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
            found.push_back({.name = "avx2", .run = multiply_avx2});
        }
        if (__builtin_cpu_supports("avx512f")) {
            found.push_back({.name = "avx512f", .run = multiply_avx512f});
        }
#endif
        return found;
    }();
    return kernels;
}

void multiply(DenseProduct const& product) {
    product_kernels().back().run(product);
}

}  // namespace plenum::jobs
