// The plain programs that figures are compared with:  bench_reference NAME [ARGUMENT...]
#include "reference.hpp"

#include <cstdio>
#include <exception>
#include <functional>
#include <map>
#include <span>
#include <stdexcept>

namespace {

using Arguments = std::span<char* const>;

std::uint64_t number(Arguments arguments, std::size_t i) {
    return std::stoull(arguments[i]);
}

bench::Pages pages(std::string const& name) {
    if (name == "shared") return bench::Pages::shared;
    if (name == "plain") return bench::Pages::plain;
    if (name == "small") return bench::Pages::small;
    if (name == "huge") return bench::Pages::huge;
    throw std::invalid_argument("unknown kind of pages '" + name + "'; use shared, plain, small or huge");
}

bench::MaskFile mask_file(std::string const& name) {
    if (name == "contiguous") return bench::MaskFile::contiguous;
    if (name == "filtered") return bench::MaskFile::filtered;
    if (name == "chunks") return bench::MaskFile::chunks;
    throw std::invalid_argument("unknown kind of file '" + name + "'; use contiguous, filtered or chunks");
}

struct Program {
    char const* usage;
    std::size_t arguments;
    std::function<void(Arguments)> run;
};

std::map<std::string, Program> const programs{
    {"claim", {"TASKS BLOCK", 2, [](auto a) { bench::claim_squares(number(a, 0), number(a, 1)); }}},
    {"read",
     {"BYTES PASSES PAGES", 3, [](auto a) { bench::read_private(number(a, 0), number(a, 1), pages(a[2])); }}},
    {"copy", {"BYTES PAGES", 2, [](auto a) { bench::copy(number(a, 0), pages(a[1])); }}},
    {"convolve", {"SIDE FILTERS", 2, [](auto a) { bench::convolve_serially(number(a, 0), number(a, 1)); }}},
    {"write-convolutions",
     {"FILE SIDE FILTERS", 3, [](auto a) { bench::write_convolutions(a[0], number(a, 1), number(a, 2)); }}},
    {"write-records",
     {"FILE RECORD_BYTES RECORDS RECORDS_PER_WRITE", 4,
      [](auto a) { bench::write_records(a[0], number(a, 1), number(a, 2), number(a, 3)); }}},
    {"write-ragged", {"FILE RECORDS", 2, [](auto a) { bench::write_ragged(a[0], number(a, 1)); }}},
    {"write-masks",
     {"FILE SIDE MASKS KIND", 4,
      [](auto a) { bench::write_masks(a[0], number(a, 1), number(a, 2), mask_file(a[3])); }}},
    {"check", {"FILE DATASET", 2, [](auto a) { bench::check_file(a[0], a[1]); }}},
};

}  // namespace

int main(int argc, char** argv) {
    auto const found = argc > 1 ? programs.find(argv[1]) : programs.end();
    if (found == programs.end() || static_cast<std::size_t>(argc) != found->second.arguments + 2) {
        for (auto const& [name, program] : programs)
            std::fprintf(stderr, "usage: bench_reference %s %s\n", name.c_str(), program.usage);
        return 2;
    }
    try {
        found->second.run(Arguments(argv + 2, found->second.arguments));
    } catch (std::exception const& error) {
        std::fprintf(stderr, "bench_reference: %s\n", error.what());
        return 3;
    }
    return 0;
}
