// Tries COUNT changed seeds, the same ones each time:  TARGET COUNT
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "fuzz/fuzz_target.hpp"

namespace {

std::string changed(std::vector<std::string> const& seeds, std::mt19937_64& random) {
    auto text = seeds[random() % seeds.size()];
    for (auto changes = random() % 5; changes-- > 0 && !text.empty();) {
        auto const at = random() % text.size();
        auto const count = std::min<std::size_t>(1 + random() % 12, text.size() - at);
        auto const& other = seeds[random() % seeds.size()];
        switch (random() % 5) {
            case 0:
                text[at] = static_cast<char>(text[at] ^ (1 << (random() % 8)));
                break;
            case 1:
                text.erase(at, count);
                break;
            case 2:
                text.insert(at, text.substr(random() % text.size(), count));
                break;
            case 3:
                text.replace(at, count, other.substr(std::min(other.size(), at), count));
                break;
            default:
                text[at] = static_cast<char>(random());
        }
    }
    return text;
}

void run(std::string const& text) {
    (void)LLVMFuzzerTestOneInput(reinterpret_cast<std::uint8_t const*>(text.data()), text.size());
}

}  // namespace

int main(int argc, char** argv) {
    long const count = argc > 1 ? std::atol(argv[1]) : 1000;
    auto const seeds = fuzz_seeds();
    for (auto const& seed : seeds) run(seed);
    std::mt19937_64 random(1);
    for (long i = 0; i < count; ++i) run(changed(seeds, random));
    std::printf("%ld inputs\n", count + static_cast<long>(seeds.size()));
    return 0;
}
