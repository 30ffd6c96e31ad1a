// Counts of every proper prefix of every word, in an std::unordered_map.
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "serial/programs.hpp"
#include "work.hpp"

namespace bench {
namespace {

using Counts = std::unordered_map<std::string, std::uint64_t>;

void count_prefixes(std::string_view text, Counts& counts) {
    constexpr std::string_view blank = " \n";
    for (auto begin = text.find_first_not_of(blank); begin != std::string_view::npos;) {
        auto const end = std::min(text.find_first_of(blank, begin), text.size());
        for (auto length = begin + 1; length < end; ++length)
            ++counts[std::string(text.substr(begin, length - begin))];
        begin = text.find_first_not_of(blank, end);
    }
}

/// "prefix count" in lines, sorted, of those counted more than three times.
std::string popular(Counts const& counts) {
    std::vector<std::pair<std::string, std::uint64_t>> chosen;
    for (auto const& each : counts)
        if (each.second > 3) chosen.push_back(each);
    std::sort(chosen.begin(), chosen.end());
    std::string lines;
    for (auto const& [prefix, count] : chosen) lines += prefix + " " + std::to_string(count) + "\n";
    return lines;
}

}  // namespace

void prefix_count(Parameters const& parameters) {
    std::ifstream file(std::filesystem::path(parameters.text("folder")) / "documents.txt");
    std::string const text(std::istreambuf_iterator<char>(file), {});
    auto const start = now_ns();
    Counts counts;
    count_prefixes(text, counts);
    auto const lines = popular(counts);
    report(seconds_since(start), 0);
    save_array(parameters.text("save"), std::span<char const>(lines));
}

}  // namespace bench
