// The plain C++ programs of bench/peers:  bench_peers_serial NAME --name value...
#include <cstdio>
#include <exception>
#include <functional>
#include <map>
#include <stdexcept>
#include <string_view>

#include "serial/programs.hpp"

namespace bench {

Parameters::Parameters(int count, char const* const* words) {
    for (int i = 0; i + 1 < count; i += 2) {
        std::string_view const name = words[i];
        if (!name.starts_with("--")) throw std::invalid_argument(std::string(name) + " is no --name");
        values_.emplace(name.substr(2), words[i + 1]);
    }
}

std::string Parameters::text(std::string const& name) const {
    auto const found = values_.find(name);
    if (found == values_.end()) throw std::invalid_argument("--" + name + " is missing");
    return found->second;
}

std::uint64_t Parameters::number(std::string const& name) const {
    return std::stoull(text(name));
}

}  // namespace bench

int main(int argc, char** argv) {
    std::map<std::string_view, std::function<void(bench::Parameters const&)>> const programs{
        {"blob_sum", bench::blob_sum},         {"classify", bench::classify}, {"convolve", bench::convolve},
        {"prefix_count", bench::prefix_count}, {"segment", bench::segment},   {"square", bench::square}};
    auto const found = argc > 1 ? programs.find(argv[1]) : programs.end();
    if (found == programs.end()) {
        for (auto const& [name, program] : programs)
            std::fprintf(stderr, "usage: bench_peers_serial %s --name value...\n", std::string(name).c_str());
        return 2;
    }
    try {
        found->second(bench::Parameters(argc - 2, argv + 2));
    } catch (std::exception const& error) {
        std::fprintf(stderr, "bench_peers_serial: %s\n", error.what());
        return 3;
    }
    return 0;
}
