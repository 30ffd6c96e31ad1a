// Splits the words of one command into options and the rest.
#pragma once

#include <CLI/CLI.hpp>
#include <plenum/job.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "app/run_options.hpp"

namespace plenum::app {

using Arguments = std::vector<std::string>;

/// The options of one command and the words that belong to none of them. CLI11 splits the words; what is
/// wrong with them is said here, in one line. --help is always there.
class OptionParser {
public:
    OptionParser();

    void add(RunOption const& option) { add(option.name, option.short_name, option.placeholder); }
    void add(JobOption const& option) { add(option.name, "", option.placeholder); }
    /// Without `placeholder` the option is a flag.
    void add(std::string const& name, std::string const& short_name, std::string const& placeholder);

    /// Words that are neither options nor their values, in order, come back.
    [[nodiscard]] Arguments parse(Arguments words);
    [[nodiscard]] bool given(std::string const& name) const { return app_.count("--" + name) > 0; }
    /// The value of a given option. Throws UsageError where it is missing or given twice.
    [[nodiscard]] std::string value(std::string const& name) const;
    /// Throws the UsageError for a word that nothing knows.
    [[noreturn]] void refuse(std::string const& word, std::string_view see) const;

private:
    CLI::App app_;
    Arguments flags_;
};

}  // namespace plenum::app
