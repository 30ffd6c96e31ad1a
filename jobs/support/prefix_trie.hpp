// Counts of the proper prefixes of words, in a trie.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace plenum::jobs {

/// Of longer words these many letters count, so that no prefix is longer.
constexpr std::size_t most_word_letters = 256;

/// 1 to 26 for 'a' to 'z' and 'A' to 'Z', 0 for every other byte: what words are made of, and what lies
/// between them.
[[nodiscard]] constexpr std::uint8_t letter_number(char c) noexcept {
    auto const lower = static_cast<unsigned char>(c | 0x20);
    return lower >= 'a' && lower <= 'z' ? static_cast<std::uint8_t>(lower - 'a' + 1) : std::uint8_t{0};
}

struct PrefixCount {
    std::string prefix;
    std::uint64_t count = 0;

    bool operator==(PrefixCount const&) const = default;
};

/// A trie as it travels, 13 bytes for each node: the root first, every parent before its children.
struct PackedTrie {
    std::vector<std::uint32_t> parents;
    std::vector<std::uint8_t> letters;  ///< of the step from the parent, 1 to 26
    std::vector<std::uint64_t> ends;    ///< words that end at the node

    template <class Archive>
    void serialize(Archive& archive) {
        archive(parents, letters, ends);
    }
};

/// Counts, for every proper prefix, the words that it begins. A node takes 21 bytes, one with several
/// children 149. A word costs one step for each of its letters: only its end is counted, prefixes add up what
/// lies below them when they are asked for.
class PrefixTrie {
public:
    PrefixTrie();
    /// Words are runs of ASCII letters, and case does not matter. A word must not go on in another text.
    void count(std::string_view text);
    [[nodiscard]] PackedTrie const& packed() const noexcept { return nodes_; }
    /// Adds the counts of another trie. Costs a step for each of its nodes.
    void merge(PackedTrie const& other);
    [[nodiscard]] std::uint64_t words() const noexcept;
    /// Words that begin with each of the 26 letters.
    [[nodiscard]] std::array<std::uint64_t, 26> words_by_initial() const;
    /// The prefixes counted more than `popular` times, in alphabetical order.
    [[nodiscard]] std::vector<PrefixCount> more_often_than(std::uint64_t popular) const;

private:
    /// Where the letters of a node lead. Few nodes have more than one child: the others take 8 bytes, so that
    /// most of a trie stays in a processor's cache.
    struct Step {
        std::uint32_t letter = 0;  ///< the only one, 0: none, `many`: see branches_
        std::uint32_t next = 0;    ///< node, or index of the branch
    };
    static constexpr std::uint32_t many = 255;
    /// Nodes by letter number; 0: none, as the root is nobody's child. 32, so that places are cheap to find.
    using Branch = std::array<std::uint32_t, 32>;

    /// 0: there is none.
    [[nodiscard]] std::uint32_t find_child(std::uint32_t node, std::uint32_t letter) const {
        auto const step = steps_[node];
        if (step.letter == letter) return step.next;
        return step.letter == many ? branches_[step.next][letter] : 0;
    }
    [[nodiscard]] std::uint32_t child(std::uint32_t node, std::uint8_t letter) {
        auto const found = find_child(node, letter);
        return found != 0 ? found : add_child(node, letter);
    }
    std::uint32_t add_child(std::uint32_t node, std::uint8_t letter);
    /// Words at each node and below.
    [[nodiscard]] std::vector<std::uint64_t> words_below() const;

    std::vector<Step> steps_;
    std::vector<Branch> branches_;
    PackedTrie nodes_;
};

}  // namespace plenum::jobs
