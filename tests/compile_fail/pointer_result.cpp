// expect: Plenum: the result cannot travel.* with serialize
// type: Result = int\*|result_travels<int \*>
#include <plenum/plenum.hpp>

void pointer_result(plenum::Pool const& pool) {
    static int number = 3;
    (void)pool.map([](std::uint64_t) { return &number; }, plenum::indices(3));
}
