// The example of docs/guide.md of a whole program with settings of its own; fails when a result is wrong.
// [example: program-start]
#include <cstdio>
#include <plenum/plenum.hpp>

int main(int argc, char** argv) {
    return plenum::run(argc, argv,
                       [](plenum::Pool& pool) {  // on rank 0; the other ranks serve
                           auto const cubes =
                               pool.map([](std::uint64_t i) { return i * i * i; }, plenum::indices(101));
                           std::printf("%d ranks on %d nodes: %llu\n", pool.ranks(), pool.nodes(),
                                       static_cast<unsigned long long>(cubes[100]));
                           return cubes[100] == 1'000'000 ? 0 : 1;  // the exit code of every rank
                       },
                       {.schedule = "gss", .executors = "2"});
}
// [end]
