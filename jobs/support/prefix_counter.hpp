// Prefixes counted by actors: the actor, and how a text is dealt out to several of them.
#pragma once

#include <sys/mman.h>

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
        std::string_view const batch(text.data() + first, last - first);
        map_in(batch);
        trie_.count(batch);
    }
    [[nodiscard]] PackedTrie const& counts() const noexcept { return trie_.packed(); }

private:
    /// All pages of the batch at once: several times cheaper than one after the other when they are read
    /// first.
    static void map_in(std::string_view batch) noexcept {
#ifdef MADV_POPULATE_READ
        constexpr std::uintptr_t page = 4096;
        auto const begin = reinterpret_cast<std::uintptr_t>(batch.data()) / page * page;
        auto const end = reinterpret_cast<std::uintptr_t>(batch.data() + batch.size());
        (void)::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_POPULATE_READ);
#endif
    }

    PrefixTrie trie_;
};

/// Bytes of a batch where nobody asks for another size. Each costs calls and wake-ups of processes that the
/// actors' cores do beside counting; at the end actors wait for the last one.
[[nodiscard]] inline std::uint64_t usual_batch(std::uint64_t text, std::uint64_t actors) noexcept {
    return std::clamp<std::uint64_t>(text / (64 * actors), 4 << 10, 1 << 20);
}

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
    std::vector<Future<PackedTrie>> parts;  // each comes when its actor has done all of its batches
    for (auto const& counter : counters) parts.push_back(counter.call<&PrefixCounter::counts>());
    PrefixTrie merged;
    for (auto const& part : as_completed(parts)) merged.merge(part.get());
    for (auto const& call : waiting) call.done.get();
    return merged;
}

}  // namespace plenum::jobs
