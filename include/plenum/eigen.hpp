// Eigen's dense types as arguments and results of tasks, and shared arrays as Eigen::Map. Needs Eigen 3.4.
#pragma once

#include <Eigen/Core>
#include <plenum/detail/task.hpp>
#include <plenum/pool.hpp>
#include <plenum/shared.hpp>

namespace plenum {

/// Shared arrays are row-major; so is the map. Unaligned, as planes may start anywhere: on aligned data it costs
/// nothing.
template <class T>
using SharedMatrix = Eigen::Map<Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> const>;

/// The array as a matrix, without a copy; of three dimensions: its planes, one below the other. One plane:
/// as_matrix(array.plane(p)). Valid as long as the SharedArray.
template <class T>
[[nodiscard]] SharedMatrix<T> as_matrix(SharedRef<T> const& array) noexcept {
    return {array.data(), static_cast<Eigen::Index>(array.planes() * array.rows()),
            static_cast<Eigen::Index>(array.columns())};
}

/// One copy of a matrix, a vector or an expression in the memory of each node, as an array {rows, columns} (a
/// vector: {n}); whatever the order in which the matrix is stored, as_matrix has the same coefficients. Cost and
/// errors: as Pool::share; the expression is evaluated once, straight into node memory.
template <class Derived>
[[nodiscard]] auto share(Pool const& pool, Eigen::DenseBase<Derived> const& matrix) {
    using T = typename Derived::Scalar;
    auto const rows = static_cast<std::uint64_t>(matrix.rows()), columns = static_cast<std::uint64_t>(matrix.cols());
    auto const shape = Derived::IsVectorAtCompileTime ? ArrayShape(rows * columns) : ArrayShape(rows, columns);
    return pool.share_filled<T>(shape, [&](std::span<T> into) {
        using RowMajor = Eigen::Array<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
        Eigen::Map<RowMajor>(into.data(), matrix.rows(), matrix.cols()) = matrix.derived().array();
    });
}

namespace detail {

/// Dense matrices of dynamic size travel as two extents and their coefficients as they lie.
template <class T, int rows, int columns, int options, int max_rows, int max_columns>
    requires(rows == Eigen::Dynamic || columns == Eigen::Dynamic)
struct DenseTraits<Eigen::Matrix<T, rows, columns, options, max_rows, max_columns>> {
    using Matrix = Eigen::Matrix<T, rows, columns, options, max_rows, max_columns>;
    using value_type = T;
    /// Only vectors: a matrix's extents would be lost in a flat result.
    static constexpr bool dense = Matrix::IsVectorAtCompileTime;
    static ByteView bytes(Matrix const& m) {
        return {reinterpret_cast<std::byte const*>(m.data()), static_cast<std::size_t>(m.size()) * sizeof(T)};
    }
    static Matrix from_bytes(ByteView bytes) {
        Matrix m(static_cast<Eigen::Index>(bytes.size() / sizeof(T)));
        if (!bytes.empty()) std::memcpy(m.data(), bytes.data(), bytes.size());
        return m;
    }
};

}  // namespace detail
}  // namespace plenum

namespace cereal {

template <class Archive, class T, int rows, int columns, int options, int max_rows, int max_columns>
void save(Archive& archive, Eigen::Matrix<T, rows, columns, options, max_rows, max_columns> const& m) {
    archive(static_cast<std::int64_t>(m.rows()), static_cast<std::int64_t>(m.cols()));
    archive(binary_data(const_cast<T*>(m.data()), static_cast<std::size_t>(m.size()) * sizeof(T)));
}

template <class Archive, class T, int rows, int columns, int options, int max_rows, int max_columns>
void load(Archive& archive, Eigen::Matrix<T, rows, columns, options, max_rows, max_columns>& m) {
    std::int64_t r = 0, c = 0;
    archive(r, c);
    m.resize(static_cast<Eigen::Index>(r), static_cast<Eigen::Index>(c));
    archive(binary_data(m.data(), static_cast<std::size_t>(m.size()) * sizeof(T)));
}

}  // namespace cereal
