// expect: Plenum: the task is not const
// type: Function = Counter|callable<Counter
#include <plenum/plenum.hpp>

struct Counter {
    std::uint64_t calls = 0;
    std::uint64_t operator()(std::uint64_t) { return ++calls; }
};

void mutable_task(plenum::Pool const& pool) {
    (void)pool.map(Counter{}, plenum::indices(3));
}
