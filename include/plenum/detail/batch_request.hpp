// Building a BatchRequest from a function, its items and the shape of its results.
#pragma once

#include <plenum/detail/pool_core.hpp>
#include <plenum/detail/task.hpp>
#include <ranges>
#include <string>
#include <vector>

namespace plenum {

/// Indices 0, 1, ..., count - 1 as the items of a map: the task gets a std::uint64_t.
struct IndexRange {
    std::uint64_t count = 0;
};
[[nodiscard]] constexpr IndexRange indices(std::uint64_t count) noexcept { return {count}; }

namespace detail {

/// rows * columns * element bytes. Throws UsageError on overflow.
[[nodiscard]] std::uint64_t bytes_for(std::uint64_t rows, std::uint64_t columns, std::uint64_t element);
void require_size(std::uint64_t got, std::uint64_t expected);

/// Bytes of one result, 0 when they vary.
template <class F, class Item>
[[nodiscard]] std::uint64_t stride_of(Shape const& shape) {
    using Traits = TaskTraits<F, Item>;
    constexpr auto kind = Traits::kind();
    if constexpr (kind == ResultKind::plain) {
        return sizeof(typename Traits::result);
    } else if constexpr (kind == ResultKind::in_place) {
        if (shape.empty())
            throw UsageError("the task writes into a span, so the map needs the shape of a result: {.shape = {...}}");
        return bytes_for(count_of(shape), 1, sizeof(typename Traits::output));
    } else if constexpr (kind == ResultKind::range) {
        if (shape.empty()) return 0;
        if constexpr (DenseTraits<typename Traits::result>::dense)
            return bytes_for(count_of(shape), 1, sizeof(typename DenseTraits<typename Traits::result>::value_type));
        else
            return bytes_for(count_of(shape), 1, sizeof(std::ranges::range_value_t<typename Traits::result>));
    } else {
        return 0;
    }
}

template <class F, class Item>
[[nodiscard]] BatchRequest request_for(F const& f, std::uint64_t tasks, Shape const& shape) {
    check_task<F, Item>();
    refuse_inside_task("a map");
    BatchRequest request;
    if constexpr (TaskTraits<F, Item>::sound) {
        request.function = RegisteredTask<F, Item>::id;
        encode_function(f, request.state);
    }
    request.tasks = tasks;
    request.stride = stride_of<F, Item>(shape);
    return request;
}

/// Items as the engine takes them: consecutive plain items stay where they are, all others are encoded.
template <class Range>
class ItemsHolder {
public:
    using Item = item_of<Range>;
    static constexpr bool in_place = PlainBytes<Item> && std::ranges::contiguous_range<Range const> &&
                                     std::ranges::sized_range<Range const>;

    explicit ItemsHolder(Range const& items) : items_(items) {
        if constexpr (in_place) {
            count_ = std::ranges::size(items);
        } else {
            offsets_.push_back(0);
            for (auto const& item : items) {
                if constexpr (Travels<Item>) encode<Item>(item, bytes_);  // check_task says why not
                offsets_.push_back(bytes_.size());
            }
            count_ = offsets_.size() - 1;
        }
    }
    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    /// The request refers to the range; both must outlive the batch.
    void fill(BatchRequest& request) const {
        if constexpr (in_place) {
            request.plain_items = {reinterpret_cast<std::byte const*>(std::ranges::data(items_)),
                                   count_ * sizeof(Item)};
            request.item_stride = sizeof(Item);
            if constexpr (!std::has_unique_object_representations_v<Item> && !std::is_floating_point_v<Item>) {
                request.padded_items = true;
#if __has_builtin(__builtin_clear_padding)
                request.clear_padding = [](std::byte* item) { __builtin_clear_padding(reinterpret_cast<Item*>(item)); };
#endif
            }
        } else {
            request.items = bytes_;
            request.item_offsets = offsets_;
        }
    }

private:
    Range const& items_;
    std::uint64_t count_ = 0;
    Bytes bytes_;
    std::vector<std::uint64_t> offsets_;
};

}  // namespace detail
}  // namespace plenum
