// Arrays of which each node holds one copy: the owner on rank 0 and the handle that tasks capture.
#pragma once

#include <cstdint>
#include <plenum/detail/pool_core.hpp>
#include <span>
#include <type_traits>
#include <utility>

namespace plenum {

/// Extents of a shared array: {n} or {rows, columns}; row-major.
struct ArrayShape {
    std::uint64_t rows = 0;
    std::uint64_t columns = 1;
    constexpr ArrayShape(std::uint64_t n) : rows(n) {}  // NOLINT: {n} and n are the same shape
    constexpr ArrayShape(std::uint64_t r, std::uint64_t c) : rows(r), columns(c) {}
    [[nodiscard]] std::uint64_t size() const noexcept { return rows * columns; }
};

/// A handle of a few bytes to a SharedArray. Trivially copyable: capture it by value in a task. Valid in every
/// process of the program while the owner lives; reads are plain memory reads of the node's copy. The data is
/// const: executors map it read-only, a write through a cast ends the task and names the cause.
template <class T>
class SharedRef {
public:
    SharedRef() = default;
    SharedRef(std::uint64_t offset, ArrayShape shape) noexcept
        : offset_(offset), rows_(shape.rows), columns_(shape.columns) {}

    /// 64-byte aligned.
    [[nodiscard]] T const* data() const noexcept {
        return reinterpret_cast<T const*>(detail::node_base() + offset_);
    }
    [[nodiscard]] std::uint64_t size() const noexcept { return rows_ * columns_; }
    [[nodiscard]] std::uint64_t rows() const noexcept { return rows_; }
    [[nodiscard]] std::uint64_t columns() const noexcept { return columns_; }
    [[nodiscard]] std::span<T const> span() const noexcept { return {data(), size()}; }
    [[nodiscard]] std::span<T const> row(std::uint64_t r) const noexcept {
        return {data() + r * columns_, columns_};
    }
    [[nodiscard]] T const& operator[](std::uint64_t i) const noexcept { return data()[i]; }
    [[nodiscard]] T const& operator()(std::uint64_t r, std::uint64_t c) const noexcept {
        return data()[r * columns_ + c];
    }
    [[nodiscard]] T const* begin() const noexcept { return data(); }
    [[nodiscard]] T const* end() const noexcept { return data() + size(); }

private:
    std::uint64_t offset_ = 0, rows_ = 0, columns_ = 1;
};

/// The owner of a shared array, on rank 0. Move-only; its end frees the memory on every node. It must not outlive
/// the pool, and no batch that uses it may still run.
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
    [[nodiscard]] std::uint64_t rows() const noexcept { return extents_.rows; }
    [[nodiscard]] std::uint64_t columns() const noexcept { return extents_.columns; }
    /// All extents; of a dataset with more than two, `rows` is the first and `columns` the product of the others.
    [[nodiscard]] Shape const& shape() const noexcept { return shape_; }

private:
    detail::PoolCore* core_ = nullptr;
    std::uint64_t offset_ = 0;
    Shape shape_;
    ArrayShape extents_{0};
};

}  // namespace plenum
