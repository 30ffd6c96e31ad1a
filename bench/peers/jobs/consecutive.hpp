// Results of a fixed shape as one array.
#pragma once

#include <plenum/results.hpp>
#include <span>

namespace bench {

/// They lie one after the other in node memory; valid for as long as the results are.
template <class T>
[[nodiscard]] std::span<T const> consecutive(plenum::Results<std::span<T const>> const& results) {
    auto const first = results[0];
    return {first.data(), results.size() * first.size()};
}

}  // namespace bench
