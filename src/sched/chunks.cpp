#include "sched/chunks.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace plenum::sched {
namespace {

std::uint64_t ceil_div(std::uint64_t a, std::uint64_t b) {
    return a / b + (a % b != 0);
}

/// Chunks of next_size(remaining) >= 1 tasks. Gives up after `max_chunks` chunks: then back() < tasks.
template <typename NextSize>
std::vector<std::uint64_t> taper(std::uint64_t tasks, std::size_t max_chunks, NextSize next_size) {
    std::vector<std::uint64_t> bounds{0};
    while (bounds.back() < tasks && bounds.size() <= max_chunks) {
        auto const remaining = tasks - bounds.back();
        bounds.push_back(bounds.back() + std::min(remaining, next_size(remaining)));
    }
    return bounds;
}

std::vector<std::uint64_t> guided(std::uint64_t tasks, std::uint64_t executors, std::uint64_t least,
                                  std::size_t max_chunks) {
    return taper(tasks, max_chunks,
                 [&](std::uint64_t remaining) { return std::max(least, ceil_div(remaining, executors)); });
}

/// The decrement is kept as a fraction. Rounded down to whole tasks, as in many published examples, it is 0
/// as soon as tasks < 8 P^2, and nothing tapers any more.
std::vector<std::uint64_t> trapezoid(std::uint64_t tasks, std::uint64_t executors, std::uint64_t least,
                                     std::size_t max_chunks) {
    auto const first = std::max(least, ceil_div(tasks, 2 * executors));
    auto const steps = std::max<std::uint64_t>(2, ceil_div(2 * tasks, first + least)) - 1;
    return taper(tasks, max_chunks, [&, k = std::uint64_t{0}](std::uint64_t) mutable {
        auto const step = std::min(k++, steps);
        return first - (step * (first - least) + steps / 2) / steps;
    });
}

std::vector<std::uint64_t> factoring(std::uint64_t tasks, std::uint64_t executors, std::uint64_t least,
                                     std::size_t max_chunks) {
    return taper(tasks, max_chunks,
                 [&, k = std::uint64_t{0}, size = std::uint64_t{0}](std::uint64_t remaining) mutable {
                     if (k++ % executors == 0) size = std::max(least, ceil_div(remaining, 2 * executors));
                     return size;
                 });
}

}  // namespace

ChunkPlan plan_chunks(Technique technique, std::uint64_t tasks, int executors, std::uint64_t min_chunk,
                      std::size_t max_chunks) {
    if (executors < 1 || max_chunks < 1)
        throw std::logic_error(fmt::format(
            "chunks for {} executors in a table of {} (both must be at least 1)", executors, max_chunks));
    auto const width = static_cast<std::uint64_t>(executors);
    auto const least = std::max<std::uint64_t>(1, min_chunk);
    auto const fitted = [&](auto tapered) {
        for (auto size = least;; size *= 2) {
            auto bounds = tapered(tasks, width, size, max_chunks);
            if (bounds.back() == tasks) return ChunkPlan{.bounds = std::move(bounds)};
        }
    };
    switch (technique) {
        case Technique::automatic:
            return {.uniform = min_chunk};
        case Technique::static_:
            return {.uniform = std::max(least, ceil_div(tasks, width))};
        case Technique::ss:
            return {.uniform = least};
        case Technique::gss:
            return fitted(guided);
        case Technique::tss:
            return fitted(trapezoid);
        case Technique::fac2:
            return fitted(factoring);
        case Technique::awf:
            return {.weighted_least = least};
    }
    throw std::logic_error(fmt::format("no technique {}", static_cast<int>(technique)));
}

}  // namespace plenum::sched
