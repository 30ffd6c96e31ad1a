// Which tasks of the sleep job sleep how long, from its options.
#include "support/sleep_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <numeric>
#include <plenum/error.hpp>
#include <string_view>

namespace plenum::jobs {
namespace {

constexpr double longest_sleep = 86'400;

struct Pattern {
    std::string_view name;
    std::vector<double> seconds;
};

std::vector<Pattern> const& patterns() {
    // Long ones first: taken one by one they end together, in equal blocks as unevenly as can be.
    static std::vector<Pattern> const known{
        {"uneven16", {1.2, 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.3, 0.2, 0.2, 0.1, 0.1, 0.1, 0.1}}};
    return known;
}

double checked_seconds(double seconds, std::string_view option, std::string_view text) {
    if (seconds >= 0 && seconds <= longest_sleep) return seconds;
    throw UsageError(fmt::format("{} {} is no time to sleep (0 to {} seconds); write for example {} 0.1",
                                 option, text, longest_sleep, option));
}

std::vector<double> parse_list(std::string_view text) {
    std::vector<double> seconds;
    for (std::size_t begin = 0; begin <= text.size();) {
        auto const end = std::min(text.find(',', begin), text.size());
        auto const entry = text.substr(begin, end - begin);
        double value = 0;
        auto const [rest, error] = std::from_chars(entry.data(), entry.data() + entry.size(), value);
        if (error != std::errc() || rest != entry.data() + entry.size())
            throw UsageError(
                fmt::format("--list: '{}' is no number (entry {} of '{}'); write seconds with commas between "
                            "them, as in 0.5,0.1",
                            entry, seconds.size() + 1, text));
        seconds.push_back(checked_seconds(value, "--list", entry));
        begin = end + 1;
    }
    return seconds;
}

std::vector<double> find_pattern(std::string_view name) {
    std::string names;
    for (auto const& pattern : patterns()) {
        if (pattern.name == name) return pattern.seconds;
        names += (names.empty() ? "" : ", ") + std::string(pattern.name);
    }
    throw UsageError(fmt::format("--pattern: '{}' is not known; choose from {}", name, names));
}

}  // namespace

double SleepPlan::total() const noexcept {
    return unequal.empty() ? static_cast<double>(tasks) * each
                           : std::accumulate(unequal.begin(), unequal.end(), 0.0);
}

double SleepPlan::longest() const noexcept {
    return unequal.empty() ? each : *std::max_element(unequal.begin(), unequal.end());
}

SleepPlan plan_sleep(SleepRequest const& request) {
    if (!request.list.empty() && !request.pattern.empty())
        throw UsageError("--list and --pattern exclude each other; give one of them");
    if (!request.list.empty() || !request.pattern.empty()) {
        auto const* const chosen = request.list.empty() ? "--pattern" : "--list";
        if (request.tasks_given || request.seconds_given)
            throw UsageError(
                fmt::format("{} says how many tasks there are and how long each sleeps; leave out {}", chosen,
                            request.tasks_given ? "--tasks" : "--seconds"));
        auto unequal = request.list.empty() ? find_pattern(request.pattern) : parse_list(request.list);
        return {.tasks = unequal.size(), .unequal = std::move(unequal)};
    }
    if (request.tasks == 0) throw UsageError("--tasks 0 leaves nothing to do; give 1 or more");
    return {.tasks = request.tasks,
            .each = checked_seconds(request.seconds, "--seconds", fmt::format("{}", request.seconds))};
}

}  // namespace plenum::jobs
