// expect: Plenum: the task returns nothing. Return a value
// type: Result = void|result_travels<void>
#include <plenum/plenum.hpp>

void void_result(plenum::Pool const& pool) {
    (void)pool.map([](std::uint64_t) {}, plenum::indices(3));
}
