// A task of map_reduce: one group of consecutive indices, folded in order.
#pragma once

#include <algorithm>
#include <cstdint>
#include <plenum/codec.hpp>
#include <utility>

namespace plenum::detail {

template <class F, class T, class Combine>
struct FoldGroup {
    F f;
    Combine combine;
    std::uint64_t group = 1, count = 0;

    T operator()(std::uint64_t number) const {
        auto const first = number * group, last = std::min(count, first + group);
        T value(f(first));
        for (auto i = first + 1; i < last; ++i) value = combine(std::move(value), T(f(i)));
        return value;
    }
    template <class Archive>
    void serialize(Archive& archive)
        requires(!(PlainBytes<F> && PlainBytes<Combine>))
    {
        archive(f, combine, group, count);
    }
};

}  // namespace plenum::detail
