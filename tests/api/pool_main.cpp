// Runs the tests of the program on rank 0 of plenum::run; the other ranks serve. The exit code is the tests'.
#include <cstdlib>

#include "api/pool_test.hpp"

namespace plenum::api_test {
namespace {
Pool* the_pool = nullptr;
}

Pool& pool() {
    return *the_pool;
}

bool tasks_are_isolated() {
    auto const* const kind = std::getenv("PLENUM_ISOLATION");
    return kind == nullptr || std::string_view(kind) != "none";
}

}  // namespace plenum::api_test

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    return plenum::run(argc, argv, [](plenum::Pool& pool) {
        plenum::api_test::the_pool = &pool;
        return RUN_ALL_TESTS();
    });
}
