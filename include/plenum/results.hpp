// The results of pool.map: a view of memory on rank 0.
#pragma once

#include <algorithm>
#include <iterator>
#include <memory>
#include <plenum/detail/decode_result.hpp>
#include <plenum/detail/pool_core.hpp>
#include <plenum/detail/task.hpp>
#include <span>
#include <vector>

namespace plenum {

/// Results in the order of the items. Holds them: those of fixed size lie in node memory and are not copied. Must
/// not outlive the pool. Access to the result of a failed task throws its TaskError.
template <class R>
class Results {
public:
    explicit Results(std::shared_ptr<detail::ResultStore> store) noexcept : store_(std::move(store)) {}

    [[nodiscard]] std::uint64_t size() const noexcept { return store_->tasks; }
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }
    /// The tasks that failed, by index. Empty unless the map collects failures.
    [[nodiscard]] std::span<TaskError::Data const> failures() const noexcept { return store_->failures; }

    /// Result of task `i`. O(1) and free for results of fixed size; varying ones are decoded.
    [[nodiscard]] R operator[](std::uint64_t i) const {
        check(i);
        if constexpr (detail::is_view<R>) {
            using T = typename R::element_type;
            return {reinterpret_cast<T*>(store_->base + i * store_->stride), store_->stride / sizeof(T)};
        } else {
            return detail::decode_result<R>(bytes(i));
        }
    }
    /// All results without a copy, for plain results of fixed size. Slots of failed tasks hold anything.
    [[nodiscard]] std::span<R const> span() const noexcept
        requires(PlainBytes<R> && !detail::ElementRange<R>)
    {
        return {reinterpret_cast<R const*>(store_->base), store_->tasks};
    }
    [[nodiscard]] std::vector<R> to_vector() const { return std::vector<R>(begin(), end()); }

    class Iterator {
    public:
        using value_type = R;
        using difference_type = std::ptrdiff_t;
        using iterator_category = std::input_iterator_tag;
        using reference = R;
        using pointer = void;
        Iterator() = default;
        Iterator(Results const* results, std::uint64_t i) : results_(results), i_(i) {}
        R operator*() const { return (*results_)[i_]; }
        Iterator& operator++() {
            ++i_;
            return *this;
        }
        Iterator operator++(int) {
            auto const before = *this;
            ++i_;
            return before;
        }
        bool operator==(Iterator const&) const = default;

    private:
        Results const* results_ = nullptr;
        std::uint64_t i_ = 0;
    };
    [[nodiscard]] Iterator begin() const { return {this, 0}; }
    [[nodiscard]] Iterator end() const { return {this, size()}; }

private:
    void check(std::uint64_t i) const {
        if (i >= size())
            throw UsageError("result " + std::to_string(i) + " does not exist (there are " +
                             std::to_string(size()) + ")");
        auto const& failures = store_->failures;
        if (failures.empty()) return;
        auto const failure = std::lower_bound(failures.begin(), failures.end(), i,
                                              [](auto const& data, std::uint64_t task) { return data.task < task; });
        if (failure != failures.end() && failure->task == i) throw TaskError(*failure);
    }
    [[nodiscard]] ByteView bytes(std::uint64_t i) const noexcept {
        if (store_->stride == 0) return store_->views[i];
        return {store_->base + i * store_->stride, store_->stride};
    }

    std::shared_ptr<detail::ResultStore> store_;
};

}  // namespace plenum
