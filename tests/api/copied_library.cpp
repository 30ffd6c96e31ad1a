// Linked with two copies of one library: refused at start, as nothing tells their tasks apart.
#include <plenum/plenum.hpp>

#include "same_names.hpp"

int main(int argc, char** argv) {
    return plenum::run(argc, argv, [](plenum::Pool& pool) {
        return plenum::api_test::found_in_library(pool) == 3007 ? 0 : 1;
    });
}
