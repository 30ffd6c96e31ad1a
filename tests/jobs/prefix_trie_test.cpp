// Prefix counts, their merge, the unpacking of texts, batches of a text, and the formula for sums of squares.
#include "support/prefix_trie.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <plenum/error.hpp>

#include "support/documents.hpp"
#include "support/packed_text.hpp"
#include "support/squares.hpp"

namespace plenum::jobs {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<PrefixCount> counts_in(std::string_view text, std::uint64_t popular = 0) {
    PrefixTrie trie;
    trie.count(text);
    return trie.more_often_than(popular);
}

TEST(PrefixTrie, CountsProperPrefixesOfEveryWord) {
    EXPECT_THAT(counts_in("the Then, a\nthe;then"),
                ElementsAre(PrefixCount{"t", 4}, PrefixCount{"th", 4}, PrefixCount{"the", 2}));
    EXPECT_THAT(counts_in("the Then, a\nthe;then", 2),
                ElementsAre(PrefixCount{"t", 4}, PrefixCount{"th", 4}));
    EXPECT_THAT(counts_in("the Then, a\nthe;then", 4), IsEmpty());
}

TEST(PrefixTrie, SplitsAtEverythingButAsciiLetters) {
    EXPECT_THAT(
        counts_in("ab1cd'ef\xc3\xa9gh@ij[kl`mn{op"),
        ElementsAre(PrefixCount{"a", 1}, PrefixCount{"c", 1}, PrefixCount{"e", 1}, PrefixCount{"g", 1},
                    PrefixCount{"i", 1}, PrefixCount{"k", 1}, PrefixCount{"m", 1}, PrefixCount{"o", 1}));
    EXPECT_THAT(counts_in(""), IsEmpty());
    EXPECT_THAT(counts_in(" 12 a b "), IsEmpty());
}

TEST(PrefixTrie, CountsTheFirstLettersOfLongWords) {
    auto const found = counts_in(std::string(10'000, 'q') + " q");
    ASSERT_EQ(found.size(), most_word_letters - 1);
    for (auto const& each : found) EXPECT_EQ(each.count, 1) << each.prefix;
}

TEST(PrefixTrie, AgreesWithAMapOnMadeUpText) {
    auto const text = make_documents(300, 7);
    std::map<std::string, std::uint64_t> counts;
    std::uint64_t words = 0;
    for (std::size_t first = 0; first < text.size();) {
        auto const end = text.find_first_of(" \n", first);
        for (std::size_t length = 1; length < end - first; ++length) ++counts[text.substr(first, length)];
        ++words;
        first = end + 1;
    }
    std::vector<PrefixCount> wanted;
    for (auto const& [prefix, count] : counts) wanted.push_back({prefix, count});
    PrefixTrie trie;
    trie.count(text);
    EXPECT_EQ(trie.more_often_than(0), wanted);
    EXPECT_EQ(trie.words(), words);
    EXPECT_EQ(words, 300 * 200);
}

TEST(PrefixTrie, MergedPartsAreTheWhole) {
    auto const text = make_documents(100, 3);
    PrefixTrie merged;
    std::vector<PrefixTrie> parts(3);
    std::size_t batches = 0;
    for (std::uint64_t first = 0; first < text.size(); ++batches) {
        auto const end = end_of_batch(text, first, 1000);
        parts[batches % 3].count(std::string_view(text).substr(first, end - first));
        first = end;
    }
    EXPECT_GT(batches, 30);
    for (auto const& part : parts) merged.merge(part.packed());
    EXPECT_EQ(merged.more_often_than(0), counts_in(text));
}

TEST(PrefixTrie, WordsByInitial) {
    PrefixTrie trie;
    trie.count("zoo Zebra a z");
    auto const words = trie.words_by_initial();
    EXPECT_EQ(words[0], 1);
    EXPECT_EQ(words[25], 3);
    EXPECT_EQ(words[1], 0);
}

TEST(Documents, BatchesEndBetweenWords) {
    std::string_view const text = "one two three";
    EXPECT_EQ(end_of_batch(text, 0, 1), 3);
    EXPECT_EQ(end_of_batch(text, 3, 1), 7);
    EXPECT_EQ(end_of_batch(text, 4, 2), 7);
    EXPECT_EQ(end_of_batch(text, 8, 1), text.size());
    EXPECT_EQ(end_of_batch(text, 0, 1000), text.size());
}

TEST(Documents, MadeUpOnesDependOnTheSeedOnly) {
    EXPECT_EQ(make_documents(5, 1), make_documents(5, 1));
    EXPECT_NE(make_documents(5, 1), make_documents(5, 2));
    EXPECT_TRUE(make_documents(9, 1).starts_with(make_documents(5, 1)));
}

std::string number(std::uint32_t value) {
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
    return bytes;
}

/// One window; its codes of nine bits, eight in nine bytes.
std::string packed(std::vector<std::uint32_t> const& codes) {
    std::string window(9 * ((codes.size() + 7) / 8), '\0');
    for (std::size_t bit = 0; bit < 9 * codes.size(); ++bit)
        if ((codes[bit / 9] >> bit % 9 & 1U) != 0)
            window[bit / 8] = static_cast<char>(static_cast<unsigned char>(window[bit / 8]) | 1U << bit % 8);
    window.resize((9 * codes.size() + 7) / 8);
    std::string file = "EC02Compressed Data File";
    file.resize(0x54);
    auto const begin = static_cast<std::uint32_t>(0x5c + 8);
    file +=
        number(65536) + number(1) + number(begin) + number(begin + static_cast<std::uint32_t>(window.size()));
    return file + window;
}

TEST(PackedText, GivesVersesWithoutTitleAndNumbers) {
    // 257 is "x\n" and 260 is " a"; 262 names itself.
    auto const file = packed({'x', '\n', '1', ' ', 'a', 260, 262, '\n', '2', 260, '\n'});
    ASSERT_TRUE(is_packed_text(file));
    EXPECT_EQ(unpack_text(file, "f"), "a a a \na\n");
}

TEST(PackedText, RefusesDamage) {
    auto const file = packed({'x', '\n', '1', ' ', 'a'});
    EXPECT_NO_THROW((void)unpack_text(file, "f"));
    for (auto const& damaged : {file.substr(0, 0x56), file.substr(0, file.size() - 3), packed({'x', 300}),
                                packed({300}), packed({})})
        EXPECT_THROW((void)unpack_text(damaged, "f"), EnvironmentError);
}

TEST(Squares, TheFormulaIsTheSum) {
    std::uint64_t sum = 0;
    for (std::uint64_t n = 0; n < 5000; ++n) {
        EXPECT_EQ(sum_of_squares(n), sum) << n;
        sum += square(n);
    }
    EXPECT_EQ(sum_of_squares(100'000'000'000), 12728690052807162880U);
}

}  // namespace
}  // namespace plenum::jobs
