// Without a launcher a program may run as often as it likes; each run stands for itself.
#include <plenum/plenum.hpp>

int main(int argc, char** argv) {
    for (std::uint64_t round = 1; round <= 3; ++round) {
        int const code = plenum::run(argc, argv, [round](plenum::Pool& pool) {
            auto const shared = pool.share(std::vector<std::uint64_t>(100, round));
            auto const results = pool.map([shared = shared.ref()](std::uint64_t i) { return i + shared[i]; },
                                          plenum::indices(100));
            for (std::uint64_t i = 0; i < 100; ++i)
                if (results[i] != i + round) return 1;
            return 20 + static_cast<int>(round);
        });
        if (code != 20 + static_cast<int>(round)) return 1;
    }
}
