#include "app/nearest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace plenum::app {

std::size_t edit_distance(std::string_view from, std::string_view to) {
    // Three rows of the table are enough: a swap of neighbours looks back two.
    std::vector<std::size_t> before(to.size() + 1);
    std::vector<std::size_t> last(to.size() + 1);
    std::vector<std::size_t> row(to.size() + 1);
    for (std::size_t j = 0; j <= to.size(); ++j) last[j] = j;
    for (std::size_t i = 1; i <= from.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= to.size(); ++j) {
            std::size_t const replaced = last[j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1);
            row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
            if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
                row[j] = std::min(row[j], before[j - 2] + 1);
        }
        std::swap(before, last);
        std::swap(last, row);
    }
    return last[to.size()];
}

std::string nearest(std::string_view word, std::span<std::string const> candidates) {
    std::string found;
    std::size_t least = std::max<std::size_t>(1, word.size() / 3) + 1;
    for (auto const& candidate : candidates) {
        bool const is_beginning = word.size() >= 3 && candidate.starts_with(word);
        auto const distance = is_beginning ? 1 : edit_distance(word, candidate);
        if (distance < least) {
            least = distance;
            found = candidate;
        }
    }
    return found;
}

std::string nearest_hint(std::string_view word, std::span<std::string const> candidates) {
    auto const near = nearest(word, candidates);
    return near.empty() ? "" : fmt::format(" ('{}' is near)", near);
}

}  // namespace plenum::app
