#include <cmath>
#include <cstdio>
#include <plenum/plenum.hpp>

int main(int argc, char** argv) {
    return plenum::run(argc, argv, [](plenum::Pool& pool) {          // the body runs on rank 0, the other ranks serve
        std::vector<float> signal(1'000'000);
        for (std::size_t i = 0; i < signal.size(); ++i) signal[i] = std::sin(1e-3f * static_cast<float>(i));
        auto const shared = pool.share(signal);                      // one copy in the memory of each node
        auto const energy = pool.map([x = shared.ref()](std::uint64_t lag) {
            double sum = 0;                                          // a task: runs in a child process of some rank
            for (std::uint64_t i = lag; i < x.size(); ++i) sum += x[i] * x[i - lag];
            return sum;
        }, plenum::indices(1000));
        std::printf("autocorrelation at lag 999: %.1f\n", energy[999]);
    });
}
