// What tasks of one name give that stand in different files.
#pragma once

#include <cstdint>
#include <plenum/pool.hpp>
#include <string>
#include <vector>

namespace plenum::api_test {

/// Results of tasks that add the number of their file to 7 (and 1 where they hold a value).
struct Found {
    std::uint64_t lambda = 0, object = 0;
    int call = 0;
    std::string text;
    std::uint64_t state = 0;
    int actor = 0;

    bool operator==(Found const&) const = default;
};

[[nodiscard]] Found found_left(Pool& pool);
[[nodiscard]] Found found_right(Pool& pool);
/// Of a shared library, which lies elsewhere in every process.
[[nodiscard]] std::uint64_t found_in_library(Pool& pool);

}  // namespace plenum::api_test
