// A body that ends in a chosen way, for exit_codes:   ends 0 | 7 | usage | environment | standard | other |
// task | crash
#include <cstdlib>
#include <plenum/plenum.hpp>
#include <stdexcept>
#include <string>

int main(int argc, char** argv) {
    std::string const way = argc > 1 ? argv[1] : "0";
    return plenum::run(argc, argv, [&way](plenum::Pool& pool) -> int {
        (void)pool.map([](std::uint64_t i) { return i; }, plenum::indices(100));
        if (way == "usage") throw plenum::UsageError("the words are wrong (on purpose); use others");
        if (way == "environment")
            throw plenum::EnvironmentError("the disk is full (on purpose); delete something");
        if (way == "standard") throw std::runtime_error("broken on purpose");
        if (way == "other") throw 42;
        bool const crash = way == "crash";
        if (crash || way == "task")
            (void)pool.map(
                [crash](std::uint64_t i) {
                    if (i == 12 && crash) std::abort();
                    if (i == 12) throw std::runtime_error("thrown on purpose");
                    return i;
                },
                plenum::indices(20));
        return std::atoi(way.c_str());
    });
}
