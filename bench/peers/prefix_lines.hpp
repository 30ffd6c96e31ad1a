// The documents of prefix_count, and its output.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

#include "support/prefix_trie.hpp"

namespace bench {

/// The first `count` lines of the file.
[[nodiscard]] inline std::string load_documents(std::filesystem::path const& folder, std::uint64_t count) {
    std::ifstream file(folder / "documents.txt");
    std::string text(std::istreambuf_iterator<char>(file), {});
    std::size_t end = 0;
    for (; count > 0; --count) {
        end = text.find('\n', end) + 1;
        if (end == 0) throw std::runtime_error("documents.txt has too few lines");
    }
    text.resize(end);
    return text;
}

/// "prefix count" in lines, sorted, of those counted more than three times.
[[nodiscard]] inline std::string popular_lines(plenum::jobs::PrefixTrie const& trie) {
    std::string lines;
    for (auto const& [prefix, count] : trie.more_often_than(3))
        lines += prefix + " " + std::to_string(count) + "\n";
    return lines;
}

}  // namespace bench
