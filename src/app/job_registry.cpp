#include "app/job_registry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <plenum/error.hpp>
#include <set>

#include "app/run_options.hpp"

namespace plenum {
namespace app {
namespace {

[[nodiscard]] bool is_name(std::string_view text, std::string_view punctuation) {
    auto const is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
    auto const is_allowed = [&](char c) {
        return is_letter(c) || (c >= '0' && c <= '9') || punctuation.find(c) != std::string_view::npos;
    };
    return !text.empty() && is_letter(text.front()) && std::ranges::all_of(text, is_allowed);
}

void check(Job const& job) {
    if (!is_name(job.name, "-_"))
        throw UsageError(fmt::format(
            "job '{}': the name has to be lower-case letters, digits, - and _, a letter first", job.name));
    if (job.run == nullptr)
        throw UsageError(fmt::format("job '{}' has no function to run; set .run", job.name));
    std::set<std::string> taken{"help"};
    for (auto const& option : run_option_table({})) taken.insert(option.name);
    std::set<std::string> own;
    for (auto const& option : job.options) {
        if (!is_name(option.name, "-") || option.name.size() < 2)
            throw UsageError(
                fmt::format("job '{}': option '{}' has to be two or more lower-case letters, digits and -, a "
                            "letter first",
                            job.name, option.name));
        if (taken.contains(option.name))
            throw UsageError(
                fmt::format("job '{}': --{} is a run option of every job; read that one or take another name",
                            job.name, option.name));
        if (!own.insert(option.name).second)
            throw UsageError(
                fmt::format("job '{}': --{} is declared twice; remove one", job.name, option.name));
    }
}

}  // namespace

void JobRegistry::add(Job job) {
    check(job);
    auto const place = std::ranges::lower_bound(jobs_, job.name, {}, &Job::name);
    if (place != jobs_.end() && place->name == job.name)
        throw UsageError(fmt::format("job '{}' is registered twice; rename one of them", job.name));
    jobs_.insert(place, std::move(job));
}

Job const* JobRegistry::find(std::string_view name) const {
    auto const found = std::ranges::find(jobs_, name, &Job::name);
    return found == jobs_.end() ? nullptr : &*found;
}

std::vector<std::string> JobRegistry::names() const {
    std::vector<std::string> names;
    for (auto const& job : jobs_) names.push_back(job.name);
    return names;
}

JobRegistry& JobRegistry::global() {
    static JobRegistry registry;
    return registry;
}

}  // namespace app

bool add_job(Job job) {
    try {
        app::JobRegistry::global().add(std::move(job));
    } catch (UsageError const& error) {
        // This runs before main, where nobody can catch.
        fmt::print(stderr, "plenum: {}\n", error.what());
        std::abort();
    }
    return true;
}

}  // namespace plenum
