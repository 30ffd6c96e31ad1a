// Arrays of which each node holds one copy: the owner on rank 0 and the handle that tasks capture.
#pragma once

#include <cstdint>
#include <plenum/detail/pool_core.hpp>
#include <span>
#include <type_traits>
#include <utility>

namespace plenum {

/// Extents of a shared array: {n}, {rows, columns} or {planes, rows, columns}; row-major, the last runs fastest.
struct ArrayShape {
    std::uint64_t planes = 1;
    std::uint64_t rows = 0;
    std::uint64_t columns = 1;
    int dimensions = 1;  ///< how many of the extents were given
    constexpr ArrayShape(std::uint64_t n) : rows(n) {}  // NOLINT: {n} and n are the same shape
    constexpr ArrayShape(std::uint64_t r, std::uint64_t c) : rows(r), columns(c), dimensions(2) {}
    constexpr ArrayShape(std::uint64_t p, std::uint64_t r, std::uint64_t c)
        : planes(p), rows(r), columns(c), dimensions(3) {}
    /// Of a dataset. More than three dimensions: the first two and the product of the others, so that a plane is
    /// what belongs to one index of the first. No dimension: one value.
    explicit ArrayShape(Shape const& extents)
        : planes(extents.size() > 2 ? extents[0] : 1),
          rows(extents.empty() ? 1 : extents[extents.size() > 2 ? 1 : 0]),
          columns(extents.size() < 2    ? 1
                  : extents.size() == 2 ? extents[1]
                                        : count_of(Shape(extents.begin() + 2, extents.end()))),
          dimensions(extents.size() > 2 ? 3 : extents.size() == 2 ? 2 : 1) {}

    [[nodiscard]] constexpr std::uint64_t size() const noexcept { return planes * rows * columns; }
    /// One entry for each dimension.
    [[nodiscard]] Shape extents() const {
        if (dimensions == 1) return {rows};
        return dimensions == 2 ? Shape{rows, columns} : Shape{planes, rows, columns};
    }
};

/// A handle of a few bytes to a SharedArray or to one of its planes. Trivially copyable: capture it by value in a
/// task, or several of them in a struct. Valid in every process of the program while the owner lives; reads are
/// plain memory reads of the node's copy; indices are not checked. The data is const: executors map it read-only, a
/// write through a cast ends the task and names the cause.
template <class T>
class SharedRef {
public:
    SharedRef() = default;
    SharedRef(std::uint64_t offset, ArrayShape shape) noexcept
        : offset_(offset), planes_(shape.planes), rows_(shape.rows), columns_(shape.columns) {}

    /// 64-byte aligned, unless this is a plane.
    [[nodiscard]] T const* data() const noexcept {
        return reinterpret_cast<T const*>(detail::node_base() + offset_);
    }
    [[nodiscard]] std::uint64_t size() const noexcept { return planes_ * rows_ * columns_; }
    [[nodiscard]] std::uint64_t planes() const noexcept { return planes_; }
    /// Of one plane; of an array of one dimension its length.
    [[nodiscard]] std::uint64_t rows() const noexcept { return rows_; }
    [[nodiscard]] std::uint64_t columns() const noexcept { return columns_; }
    [[nodiscard]] std::span<T const> span() const noexcept { return {data(), size()}; }
    /// Rows are counted on from plane to plane: row(p * rows() + r) is row r of plane p.
    [[nodiscard]] std::span<T const> row(std::uint64_t r) const noexcept {
        return {data() + r * columns_, columns_};
    }
    /// Plane p as an array {rows, columns}, without a copy.
    [[nodiscard]] SharedRef plane(std::uint64_t p) const noexcept {
        return {offset_ + p * rows_ * columns_ * sizeof(T), {rows_, columns_}};
    }
    [[nodiscard]] T const& operator[](std::uint64_t i) const noexcept { return data()[i]; }
    [[nodiscard]] T const& operator()(std::uint64_t r, std::uint64_t c) const noexcept {
        return data()[r * columns_ + c];
    }
    [[nodiscard]] T const& operator()(std::uint64_t p, std::uint64_t r, std::uint64_t c) const noexcept {
        return data()[(p * rows_ + r) * columns_ + c];
    }
    [[nodiscard]] T const* begin() const noexcept { return data(); }
    [[nodiscard]] T const* end() const noexcept { return data() + size(); }

private:
    std::uint64_t offset_ = 0, planes_ = 1, rows_ = 0, columns_ = 1;
};

/// The owner of a shared array, on rank 0. Move-only; its end frees the memory on every node. It must not outlive
/// the pool, and no batch that uses it may still run. Several arrays that belong together: a struct of owners on
/// rank 0, and a struct of their SharedRefs for the tasks:
///     struct CsrRefs { SharedRef<double> values; SharedRef<int> columns, row_starts; };
///     struct Csr {
///         SharedArray<double> values;
///         SharedArray<int> columns, row_starts;
///         CsrRefs refs() const { return {values.ref(), columns.ref(), row_starts.ref()}; }
///     };
///     pool.map([a = csr.refs()](std::uint64_t row) { ... }, indices(rows));
template <class T>
class SharedArray {
public:
    static_assert(std::is_trivially_copyable_v<T>, "Plenum: shared arrays hold trivially copyable elements");

    SharedArray() noexcept = default;
    SharedArray(detail::PoolCore& core, std::uint64_t offset, Shape shape, ArrayShape extents)
        : core_(&core), offset_(offset), shape_(std::move(shape)), extents_(extents) {}
    SharedArray(SharedArray const&) = delete;
    SharedArray& operator=(SharedArray const&) = delete;
    SharedArray(SharedArray&& other) noexcept
        : core_(std::exchange(other.core_, nullptr)), offset_(other.offset_), shape_(std::move(other.shape_)),
          extents_(other.extents_) {}
    SharedArray& operator=(SharedArray&& other) noexcept {
        std::swap(core_, other.core_);
        std::swap(offset_, other.offset_);
        std::swap(shape_, other.shape_);
        std::swap(extents_, other.extents_);
        return *this;
    }
    ~SharedArray() {
        if (core_ != nullptr) core_->free_array(offset_);
    }

    [[nodiscard]] SharedRef<T> ref() const noexcept { return {offset_, extents_}; }
    [[nodiscard]] std::span<T const> span() const noexcept { return ref().span(); }
    [[nodiscard]] T const* data() const noexcept { return ref().data(); }
    [[nodiscard]] std::uint64_t size() const noexcept { return extents_.size(); }
    [[nodiscard]] std::uint64_t planes() const noexcept { return extents_.planes; }
    [[nodiscard]] std::uint64_t rows() const noexcept { return extents_.rows; }
    [[nodiscard]] std::uint64_t columns() const noexcept { return extents_.columns; }
    [[nodiscard]] T const& operator[](std::uint64_t i) const noexcept { return ref()[i]; }
    [[nodiscard]] T const& operator()(std::uint64_t r, std::uint64_t c) const noexcept { return ref()(r, c); }
    [[nodiscard]] T const& operator()(std::uint64_t p, std::uint64_t r, std::uint64_t c) const noexcept {
        return ref()(p, r, c);
    }
    /// A handle to plane p, for tasks.
    [[nodiscard]] SharedRef<T> plane(std::uint64_t p) const noexcept { return ref().plane(p); }
    /// All extents, also those of a dataset with more than three: there `columns` is the product of all but the
    /// first two.
    [[nodiscard]] Shape const& shape() const noexcept { return shape_; }

private:
    detail::PoolCore* core_ = nullptr;
    std::uint64_t offset_ = 0;
    Shape shape_;
    ArrayShape extents_{0};
};

}  // namespace plenum
