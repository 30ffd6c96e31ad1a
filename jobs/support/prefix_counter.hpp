// Prefixes counted by actors: the actor, and how a text is dealt out to several of them.
#pragma once

#include <algorithm>
#include <cereal/types/vector.hpp>
#include <cstdint>
#include <plenum/pool.hpp>
#include <string_view>
#include <vector>

#include "support/documents.hpp"
#include "support/prefix_trie.hpp"

namespace plenum::jobs {

/// An actor that counts the prefixes of all texts it is given.
class PrefixCounter {
public:
    /// Bytes [first, last) of the shared text.
    void count(SharedRef<char> text, std::uint64_t first, std::uint64_t last) {
        trie_.count({text.data() + first, last - first});
    }
    [[nodiscard]] PackedTrie const& counts() const noexcept { return trie_.packed(); }

private:
    PrefixTrie trie_;
};

/// Deals the text out to `actors` actors, batch by batch, each to the actor that has the fewest before it,
/// and merges what they have counted. For rank 0; throws the error of the first call that failed. What
/// travels: 24 bytes for a batch, and a packed trie from each actor.
[[nodiscard]] inline PrefixTrie count_prefixes(Pool const& pool, SharedArray<char> const& text,
                                               std::uint64_t actors, std::uint64_t batch) {
    constexpr std::size_t most_waiting = 8;  // calls of an actor: it never waits for the next
    std::vector<Actor<PrefixCounter>> counters;
    for (std::uint64_t k = 0; k < actors; ++k) counters.push_back(pool.actor<PrefixCounter>());
    struct Call {
        std::size_t counter;
        Future<void> done;
    };
    std::vector<Call> waiting;
    std::vector<std::size_t> load(actors);
    std::string_view const whole(text.data(), text.size());
    for (std::uint64_t first = 0; first < whole.size();) {
        auto least = std::ranges::min_element(load);
        while (*least >= most_waiting) {
            std::vector<Future<void>> futures;
            for (auto const& call : waiting) futures.push_back(call.done);
            (void)wait(futures, WaitFor::first_completed);
            std::erase_if(waiting, [&](Call const& call) {
                if (!call.done.ready()) return false;
                call.done.get();
                --load[call.counter];
                return true;
            });
            least = std::ranges::min_element(load);
        }
        auto const chosen = static_cast<std::size_t>(least - load.begin());
        auto const last = end_of_batch(whole, first, batch);
        waiting.push_back({chosen, counters[chosen].call<&PrefixCounter::count>(text.ref(), first, last)});
        ++load[chosen];
        first = last;
    }
    for (auto const& call : waiting) call.done.get();
    std::vector<Future<PackedTrie>> parts;
    for (auto const& counter : counters) parts.push_back(counter.call<&PrefixCounter::counts>());
    PrefixTrie merged;
    for (auto const& part : parts) merged.merge(part.get());
    return merged;
}

}  // namespace plenum::jobs
