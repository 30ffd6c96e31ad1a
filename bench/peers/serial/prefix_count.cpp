// Counts of every proper prefix of every word, in the trie of Plenum's job.
#include <span>

#include "arrays.hpp"
#include "prefix_lines.hpp"
#include "serial/programs.hpp"
#include "work.hpp"

namespace bench {
namespace {

std::string count_serially(std::string_view text) {
    plenum::jobs::PrefixTrie trie;
    trie.count(text);
    return popular_lines(trie);
}

}  // namespace

void prefix_count(Parameters const& parameters) {
    auto const folder = parameters.text("folder");
    auto const items = parameters.number("items"), few = parameters.number("few");
    auto const text = load_documents(folder, items);
    auto lines = count_serially(load_documents(folder, few));  // what slower competitors count, and a warm-up
    auto const start = now_ns();
    auto const all = count_serially(text);
    report(seconds_since(start), 0);
    if (items > few) lines += "\n" + all;
    save_array(parameters.text("save"), std::span<char const>(lines));
}

}  // namespace bench
