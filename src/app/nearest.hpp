// "Did you mean": the known word nearest to a mistyped one.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace plenum::app {

/// Number of insertions, deletions, replacements and swaps of neighbours that turn one word into the other
/// (optimal string alignment). Cost: product of the lengths.
[[nodiscard]] std::size_t edit_distance(std::string_view from, std::string_view to);

/// The candidate nearest to `word`, the first of equals; empty when none is near enough to be meant: at most
/// one edit in three characters, or `word` is its beginning.
[[nodiscard]] std::string nearest(std::string_view word, std::span<std::string const> candidates);

/// " ('convolve' is near)" for an error message, or "" when nothing is near.
[[nodiscard]] std::string nearest_hint(std::string_view word, std::span<std::string const> candidates);

}  // namespace plenum::app
