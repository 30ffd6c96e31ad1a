// For libFuzzer: puts the seeds of the target into the folder that PLENUM_FUZZ_SEEDS names, before it starts.
#include <cstdlib>
#include <fstream>

#include "fuzz/fuzz_target.hpp"

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
    if (auto const* const folder = std::getenv("PLENUM_FUZZ_SEEDS")) {
        int number = 0;
        for (auto const& seed : fuzz_seeds())
            std::ofstream(std::string(folder) + "/seed" + std::to_string(number++), std::ios::binary) << seed;
    }
    return 0;
}
