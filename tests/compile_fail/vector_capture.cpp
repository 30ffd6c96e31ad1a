// expect: Plenum: the function object cannot travel.*share\(\) large data.*struct with operator\(\) const and serialize\(\)
// type: Function = vector_capture|function_travels<\(lambda at .*vector_capture
#include <plenum/plenum.hpp>

void vector_capture(plenum::Pool const& pool) {
    std::vector<double> const values(3);
    (void)pool.map([values](std::uint64_t i) { return values[i]; }, plenum::indices(3));
}
