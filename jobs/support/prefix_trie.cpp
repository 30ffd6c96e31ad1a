// Counts of the proper prefixes of words, in a trie.
#include "support/prefix_trie.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <stdexcept>

namespace plenum::jobs {
namespace {

constexpr auto letter_numbers = [] {
    std::array<std::uint8_t, 256> numbers{};
    for (std::size_t byte = 0; byte < numbers.size(); ++byte)
        numbers[byte] = letter_number(static_cast<char>(byte));
    return numbers;
}();

}  // namespace

PrefixTrie::PrefixTrie() : steps_(1), nodes_{.parents = {0}, .letters = {0}, .ends = {0}} {}

void PrefixTrie::count(std::string_view text) {
    std::uint32_t node = 0;
    std::size_t length = 0;
    auto const end_word = [&] {
        if (length != 0) ++nodes_.ends[node];
        node = 0;
        length = 0;
    };
    for (auto const c : text) {
        auto const letter = letter_numbers[static_cast<unsigned char>(c)];
        if (letter == 0) {
            end_word();
        } else if (length < most_word_letters) {
            node = child(node, letter);
            ++length;
        }
    }
    end_word();
}

void PrefixTrie::merge(PackedTrie const& other) {
    auto const nodes = std::max(steps_.size(), other.parents.size());  // often the same words
    steps_.reserve(nodes);
    nodes_.parents.reserve(nodes);
    nodes_.letters.reserve(nodes);
    nodes_.ends.reserve(nodes);
    std::vector<std::uint32_t> here(other.parents.size());
    for (std::size_t node = 1; node < here.size(); ++node) {
        here[node] = child(here[other.parents[node]], other.letters[node]);
        nodes_.ends[here[node]] += other.ends[node];
    }
}

std::uint64_t PrefixTrie::words() const noexcept {
    return std::accumulate(nodes_.ends.begin(), nodes_.ends.end(), std::uint64_t{0});
}

std::array<std::uint64_t, 26> PrefixTrie::words_by_initial() const {
    auto const below = words_below();
    std::array<std::uint64_t, 26> words{};
    for (std::size_t k = 0; k < words.size(); ++k) {
        if (auto const node = find_child(0, static_cast<std::uint32_t>(k + 1)); node != 0)
            words[k] = below[node];
    }
    return words;
}

std::vector<PrefixCount> PrefixTrie::more_often_than(std::uint64_t popular) const {
    auto const below = words_below();
    struct Place {
        std::uint32_t node;
        std::size_t length;
    };
    std::vector<PrefixCount> found;
    found.reserve(below.size());
    std::string prefix;
    std::vector<Place> open{{.node = 0, .length = 0}};
    while (!open.empty()) {
        auto const [node, length] = open.back();
        open.pop_back();
        if (length > 0) {
            prefix.resize(length - 1);
            prefix += static_cast<char>('a' + nodes_.letters[node] - 1);
            if (auto const count = below[node] - nodes_.ends[node]; count > popular)
                found.push_back({prefix, count});
        }
        auto const open_child = [&](std::uint32_t child) {
            if (child != 0 && below[child] > popular) open.push_back({.node = child, .length = length + 1});
        };
        auto const step = steps_[node];
        if (step.letter != many)
            open_child(step.next);
        else
            for (std::uint32_t letter = 26; letter >= 1; --letter) open_child(branches_[step.next][letter]);
    }
    return found;
}

std::uint32_t PrefixTrie::add_child(std::uint32_t node, std::uint8_t letter) {
    if (steps_.size() > std::numeric_limits<std::uint32_t>::max())
        throw std::length_error("the words have more than 2^32 different prefixes");
    auto const added = static_cast<std::uint32_t>(steps_.size());
    steps_.emplace_back();
    nodes_.parents.push_back(node);
    nodes_.letters.push_back(letter);
    nodes_.ends.push_back(0);
    auto& step = steps_[node];
    if (step.letter == 0) {
        step = {.letter = letter, .next = added};
        return added;
    }
    if (step.letter != many) {
        auto const branch = static_cast<std::uint32_t>(branches_.size());
        branches_.emplace_back()[step.letter] = step.next;
        step = {.letter = many, .next = branch};
    }
    branches_[step.next][letter] = added;
    return added;
}

std::vector<std::uint64_t> PrefixTrie::words_below() const {
    auto below = nodes_.ends;
    for (auto node = below.size() - 1; node > 0; --node) below[nodes_.parents[node]] += below[node];
    return below;
}

}  // namespace plenum::jobs
