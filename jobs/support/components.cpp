// Runs of ones, joined to those of the row above that they touch.
#include "support/components.hpp"

#include <bit>
#include <cstring>
#include <limits>
#include <plenum/error.hpp>

namespace plenum::jobs {
namespace {

static_assert(std::endian::native == std::endian::little);  // the first byte of a word is its lowest

/// Consecutive ones of one row, [begin, end), and the run that it was joined to.
struct Run {
    std::uint32_t begin;
    std::uint32_t end;
    std::uint32_t parent;
};

/// Appends the runs of a row. Eight pixels at a time: a byte differs from the one before where a run begins
/// or ends, and most words have no such place.
void find_runs(std::span<std::uint8_t const> row, std::vector<Run>& runs) {
    bool inside = false;
    auto const turn = [&](std::size_t column) {
        auto const x = static_cast<std::uint32_t>(column);
        if (inside) {
            runs.back().end = x;
        } else {
            runs.push_back({x, x, static_cast<std::uint32_t>(runs.size())});
        }
        inside = !inside;
    };
    std::size_t x = 0;
    for (; x + 8 <= row.size(); x += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, row.data() + x, 8);
        auto changes = word ^ (word << 8 | (inside ? 1U : 0U));
        for (; changes != 0; changes &= changes - 1) {
            turn(x + static_cast<std::size_t>(std::countr_zero(changes)) / 8);
        }
    }
    for (; x < row.size(); ++x) {
        if ((row[x] != 0) != inside) turn(x);
    }
    if (inside) turn(row.size());
}

std::uint32_t root_of(std::vector<Run>& runs, std::uint32_t run) {
    while (runs[run].parent != run) {
        runs[run].parent = runs[runs[run].parent].parent;
        run = runs[run].parent;
    }
    return run;
}

/// The earlier root stays, so that a component is known by its first run.
void join(std::vector<Run>& runs, std::uint32_t a, std::uint32_t b) {
    a = root_of(runs, a);
    b = root_of(runs, b);
    if (a < b) runs[b].parent = a;
    if (b < a) runs[a].parent = b;
}

/// Joins the runs [middle, end) of a row with those of the row above, [first, middle), that they touch, also
/// at a corner.
void join_rows(std::vector<Run>& runs, std::size_t first, std::size_t middle) {
    auto above = first;
    for (auto run = middle; run < runs.size() && above < middle;) {
        if (runs[above].end < runs[run].begin) {
            ++above;
        } else if (runs[run].end < runs[above].begin) {
            ++run;
        } else {
            join(runs, static_cast<std::uint32_t>(above), static_cast<std::uint32_t>(run));
            // Whichever ends first touches nothing further.
            if (runs[above].end < runs[run].end) {
                ++above;
            } else {
                ++run;
            }
        }
    }
}

}  // namespace

std::vector<std::uint32_t> component_areas(std::span<std::uint8_t const> mask, Extent extent) {
    if (mask.size() != extent.size() || mask.size() > std::numeric_limits<std::uint32_t>::max()) {
        throw UsageError(
            fmt::format("the mask has {} pixels (its extent is {}, and 2^32 - 1 is the most); pass as "
                        "many as the extent has",
                        mask.size(), to_string(extent)));
    }
    std::vector<Run> runs;
    std::size_t first = 0;
    for (std::size_t y = 0; y < extent.rows; ++y) {
        auto const middle = runs.size();
        find_runs(mask.subspan(y * extent.columns, extent.columns), runs);
        join_rows(runs, first, middle);
        first = middle;
    }
    // A root comes before its runs: one pass numbers the components and adds them up.
    std::vector<std::uint32_t> areas;
    std::vector<std::uint32_t> component(runs.size());
    for (std::uint32_t run = 0; run < runs.size(); ++run) {
        auto const root = root_of(runs, run);
        if (root == run) {
            component[run] = static_cast<std::uint32_t>(areas.size());
            areas.push_back(0);
        }
        areas[component[root]] += runs[run].end - runs[run].begin;
    }
    return areas;
}

}  // namespace plenum::jobs
