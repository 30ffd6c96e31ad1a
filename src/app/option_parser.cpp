#include "app/option_parser.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <plenum/error.hpp>

#include "app/nearest.hpp"

namespace plenum::app {

OptionParser::OptionParser() {
    app_.set_help_flag();
    app_.allow_extras();
    add("help", "h", "");
}

void OptionParser::add(std::string const& name, std::string const& short_name,
                       std::string const& placeholder) {
    auto const spelling = (short_name.empty() ? "" : "-" + short_name + ",") + "--" + name;
    flags_.push_back("--" + name);
    if (placeholder.empty()) {
        app_.add_flag(spelling)->disable_flag_override();
        return;
    }
    // Zero values are allowed so that an option does not swallow the option that follows it as its value.
    app_.add_option(spelling)
        ->expected(0, 1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->allow_extra_args(false)
        ->type_name(placeholder);
}

Arguments OptionParser::parse(Arguments words) {
    std::ranges::reverse(words);  // as CLI11 wants them
    try {
        app_.parse(std::move(words));
    } catch (CLI::ArgumentMismatch const& error) {
        // The only mismatch that the definitions leave: --force=yes. The name comes first in the text.
        std::string_view const text = error.what();
        throw UsageError(fmt::format("--{} takes no value; write it alone", text.substr(0, text.find(' '))));
    } catch (CLI::ParseError const& error) {
        std::string_view const text = error.what();
        throw UsageError(fmt::format("{}; see plenum --help", text.substr(0, text.find('\n'))));
    }
    auto rest = app_.remaining();
    std::erase(rest, "--");  // CLI11 ends the options there, and keeps it
    return rest;
}

std::string OptionParser::value(std::string const& name) const {
    auto const* option = app_.get_option("--" + name);
    if (option->count() > 1) throw UsageError(fmt::format("--{} is given twice; keep one", name));
    if (option->get_expected_max() == 0) return "true";
    auto const text = option->results().front();
    if (text.empty())
        throw UsageError(
            fmt::format("--{} needs a value; write --{}={}", name, name, option->get_type_name()));
    return text;
}

void OptionParser::refuse(std::string const& word, std::string_view see) const {
    if (!word.starts_with('-') || word == "-")
        throw UsageError(fmt::format("unexpected argument '{}'; see {}", word, see));
    auto const name = word.substr(0, word.find('='));
    throw UsageError(fmt::format("unknown option '{}'{}; see {}", name, nearest_hint(name, flags_), see));
}

}  // namespace plenum::app
