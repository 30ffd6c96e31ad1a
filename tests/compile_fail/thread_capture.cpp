// expect: Plenum: the function object cannot travel to the executors
// type: Function = thread_capture|function_travels<\(lambda at .*thread_capture
#include <plenum/plenum.hpp>
#include <thread>

void thread_capture(plenum::Pool const& pool) {
    std::thread thread;
    (void)pool.map([thread = std::move(thread)](std::uint64_t i) { return i; }, plenum::indices(3));
}
