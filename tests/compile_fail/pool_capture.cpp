// expect: use of deleted function .*plenum::Pool::Pool|call to deleted constructor of .*plenum::Pool
#include <plenum/plenum.hpp>

void pool_capture(plenum::Pool& pool) {
    (void)pool.map([pool](std::uint64_t i) { return pool.map([](std::uint64_t k) { return k; }, plenum::indices(i))[0]; },
                   plenum::indices(3));
}
