// A shared library with a task that has the name of one in same_names_left.cpp. Linked twice, as two files,
// it holds the same task at the same place.
#include "same_names.hpp"

namespace plenum::api_test {
namespace {

std::uint64_t lambda(Pool& pool) {
    return pool.map([](std::uint64_t i) { return i + 3000; }, plenum::indices(8))[7];
}

}  // namespace

std::uint64_t found_in_library(Pool& pool) {
    return lambda(pool);
}

}  // namespace plenum::api_test
