// What a job gets when it runs: its options, the pool, the result file.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <plenum/option_value.hpp>
#include <plenum/pool.hpp>
#include <plenum/result_file.hpp>
#include <set>
#include <string>
#include <string_view>

namespace plenum {

/// Lives on rank 0 while the job runs, on the thread that runs it.
class JobContext {
public:
    struct Parts {
        detail::PoolCore* pool = nullptr;
        detail::ResultFileCore* results = nullptr;
        std::map<std::string, std::string> options = {};  ///< of the job, by name without dashes
        std::set<std::string> given = {};                 ///< those of them that the user gave
        std::map<std::string, std::string> sources = {};  ///< where those stand that are not in the command line
        std::uint64_t seed = 0;
        bool dry_run = false;
        std::function<void(std::string_view)> say = {};
    };
    explicit JobContext(Parts parts)
        : parts_(std::move(parts)), pool_(*parts_.pool), results_(*parts_.results) {}

    [[nodiscard]] Pool& pool() noexcept { return pool_; }
    [[nodiscard]] ResultFile& results() noexcept { return results_; }
    /// Value of a job option. Throws UsageError when it is not a T; the message names the option, and the line when
    /// it stands in a file.
    template <OptionType T>
    [[nodiscard]] T option(std::string const& name) const {
        auto const source = parts_.sources.find(name);
        return parse_option<T>(text_of(name), source == parts_.sources.end() ? "--" + name : source->second);
    }
    /// The user gave the option; otherwise its value is the default.
    [[nodiscard]] bool given(std::string const& name) const {
        (void)text_of(name);  // an option that the job does not declare is an error here too
        return parts_.given.contains(name);
    }
    /// --seed of the run.
    [[nodiscard]] std::uint64_t seed() const noexcept { return parts_.seed; }
    /// --dry-run: maps describe what they would do and run nothing; their results do not exist.
    [[nodiscard]] bool dry_run() const noexcept { return parts_.dry_run; }
    /// A line for the user, beside the progress bar.
    void say(std::string_view line) const { parts_.say(line); }

private:
    [[nodiscard]] std::string const& text_of(std::string const& name) const {
        auto const found = parts_.options.find(name);
        if (found == parts_.options.end())
            throw UsageError("the job asked for its option --" + name + ", which it does not declare");
        return found->second;
    }

    Parts parts_;
    Pool pool_;
    ResultFile results_;
};

}  // namespace plenum
