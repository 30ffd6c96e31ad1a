#include "app/command_line.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <optional>
#include <plenum/error.hpp>
#include <vector>

#include "app/help.hpp"
#include "app/nearest.hpp"
#include "app/terminal.hpp"

namespace plenum::app {
namespace {

using Arguments = std::vector<std::string>;

/// The options of one command and the words that belong to none of them. CLI11 splits the words; what is
/// wrong with them is said here, in one line.
class OptionParser {
public:
    OptionParser() {
        app_.set_help_flag();
        app_.allow_extras();
        add_flag("help", "h");
    }

    void add(RunOption const& option) {
        if (option.is_flag())
            add_flag(option.name, option.short_name);
        else
            add_value(option.name, option.short_name, option.placeholder);
    }
    void add(JobOption const& option) {
        if (option.placeholder.empty())
            add_flag(option.name, "");
        else
            add_value(option.name, "", option.placeholder);
    }

    /// Words that are neither options nor their values, in order, come back.
    [[nodiscard]] Arguments parse(Arguments words) {
        std::ranges::reverse(words);  // as CLI11 wants them
        try {
            app_.parse(std::move(words));
        } catch (CLI::ArgumentMismatch const& error) {
            // The only mismatch that the definitions leave: --force=yes. The name comes first in the text.
            std::string_view const text = error.what();
            throw UsageError(
                fmt::format("--{} takes no value; write it alone", text.substr(0, text.find(' '))));
        } catch (CLI::ParseError const& error) {
            std::string_view const text = error.what();
            throw UsageError(fmt::format("{}; see plenum --help", text.substr(0, text.find('\n'))));
        }
        auto rest = app_.remaining();
        std::erase(rest, "--");  // CLI11 ends the options there, and keeps it
        return rest;
    }

    [[nodiscard]] bool given(std::string const& name) const { return app_.count("--" + name) > 0; }

    /// The value of a given option. Throws UsageError where it is missing or given twice.
    [[nodiscard]] std::string value(std::string const& name) const {
        auto const* option = app_.get_option("--" + name);
        if (option->count() > 1) throw UsageError(fmt::format("--{} is given twice; keep one", name));
        if (option->get_expected_max() == 0) return "true";
        auto const text = option->results().front();
        if (text.empty())
            throw UsageError(
                fmt::format("--{} needs a value; write --{}={}", name, name, option->get_type_name()));
        return text;
    }

    /// Throws the UsageError for a word that nothing knows.
    [[noreturn]] void refuse(std::string const& word, std::string_view see) const {
        if (!word.starts_with('-') || word == "-")
            throw UsageError(fmt::format("unexpected argument '{}'; see {}", word, see));
        auto const name = word.substr(0, word.find('='));
        throw UsageError(fmt::format("unknown option '{}'{}; see {}", name, nearest_hint(name, flags_), see));
    }

private:
    [[nodiscard]] static std::string spelling(std::string const& name, std::string const& short_name) {
        return (short_name.empty() ? "" : "-" + short_name + ",") + "--" + name;
    }
    void add_flag(std::string const& name, std::string const& short_name) {
        app_.add_flag(spelling(name, short_name))->disable_flag_override();
        flags_.push_back("--" + name);
    }
    void add_value(std::string const& name, std::string const& short_name, std::string const& placeholder) {
        // Zero values are allowed so that an option does not swallow the option that follows it as its value.
        app_.add_option(spelling(name, short_name))
            ->expected(0, 1)
            ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
            ->allow_extra_args(false)
            ->type_name(placeholder);
        flags_.push_back("--" + name);
    }

    CLI::App app_;
    Arguments flags_;
};

[[nodiscard]] Job const& find_job(JobRegistry const& registry, std::string const& name) {
    if (Job const* job = registry.find(name)) return *job;
    throw UsageError(
        fmt::format("unknown job '{}'{}; see plenum list", name, nearest_hint(name, registry.names())));
}

/// JOB among the words after `run`: the first that is neither a run option nor its value. Nothing where the
/// words ask for help alone.
[[nodiscard]] std::optional<std::string> find_job_name(Arguments const& words,
                                                       std::span<RunOption const> table) {
    OptionParser parser;
    for (auto const& option : table) parser.add(option);
    auto const rest = parser.parse(words);
    if (!rest.empty() && !rest.front().starts_with('-')) return rest.front();
    if (parser.given("help")) return std::nullopt;
    if (rest.empty())
        throw UsageError("run: the job is missing; write plenum run JOB, plenum list shows the jobs");
    auto const option = rest.front().substr(0, rest.front().find('='));
    throw UsageError(fmt::format(
        "option '{}' is no run option; options of a job follow its name: plenum run JOB {}", option, option));
}

[[nodiscard]] Command parse_run(Arguments const& words, JobRegistry const& registry,
                                std::span<RunOption const> table) {
    auto const job_name = find_job_name(words, table);
    if (!job_name) return {.kind = CommandKind::help, .text = run_help(table)};
    auto const& job = find_job(registry, *job_name);

    OptionParser parser;
    for (auto const& option : table) parser.add(option);
    for (auto const& option : job.options) parser.add(option);
    auto rest = parser.parse(words);
    if (parser.given("help"))
        return {.kind = CommandKind::help, .text = job_help(job, table), .job = job.name};
    rest.erase(std::ranges::find(rest, job.name));
    if (!rest.empty()) parser.refuse(rest.front(), fmt::format("plenum run {} --help", job.name));

    Command command{.kind = CommandKind::run, .job = job.name};
    for (auto const& option : job.options) {
        auto const fallback = option.placeholder.empty() ? "false" : option.default_value;
        bool const is_given = parser.given(option.name);
        command.job_options[option.name] = is_given ? parser.value(option.name) : fallback;
        if (is_given) command.given_job_options.insert(option.name);
    }
    for (auto const& option : table) {
        if (!parser.given(option.name)) continue;
        store_option(command.options, option, parser.value(option.name), option.flag());
        command.given_options.push_back(option.name);
    }
    if (command.options.output.empty()) command.options.output = job.name + ".h5";
    return command;
}

/// `resume FILE` with run options: the rest stands in the journal, which only rank 0 may see.
[[nodiscard]] Command parse_resume(Arguments const& words, std::span<RunOption const> table) {
    OptionParser parser;
    for (auto const& option : table) parser.add(option);
    auto rest = parser.parse(words);
    if (parser.given("help")) return {.kind = CommandKind::help, .text = run_help(table)};
    if (rest.empty())
        throw UsageError(
            "resume: the result file is missing; write plenum resume FILE, as it was given with -o");
    Command command{.kind = CommandKind::run, .resumes = true};
    for (auto const& option : table) {
        if (!parser.given(option.name)) continue;
        for (auto const* const fixed : {"output", "seed", "restart"})
            if (option.name == fixed)
                throw UsageError(
                    fmt::format("resume: --{} is that of the unfinished run; leave it out", fixed));
        store_option(command.options, option, parser.value(option.name), option.flag());
        command.given_options.push_back(option.name);
    }
    command.options.output = rest.front();
    command.given_options.insert(command.given_options.end(), {"output", "seed", "restart"});
    if (rest.size() > 1) parser.refuse(rest[1], "plenum --help");
    return command;
}

[[nodiscard]] Command parse_describe(Arguments const& words, JobRegistry const& registry,
                                     std::span<RunOption const> table) {
    if (words.empty())
        throw UsageError(
            "describe: the job is missing; write plenum describe JOB, plenum list shows the jobs");
    if (words.front().starts_with('-')) OptionParser().refuse(words.front(), "plenum --help");
    auto const& job = find_job(registry, words.front());
    if (words.size() > 1) OptionParser().refuse(words[1], "plenum --help");
    return {.kind = CommandKind::describe, .text = job_help(job, table), .job = job.name};
}

[[noreturn]] void refuse_command(std::string const& word, JobRegistry const& registry) {
    static Arguments const commands{"run", "resume", "list", "describe", "--version", "--help"};
    if (registry.find(word) != nullptr)
        throw UsageError(fmt::format("unknown command '{}' (it is a job); write plenum run {}", word, word));
    throw UsageError(fmt::format("unknown {} '{}'{}; see plenum --help",
                                 word.starts_with('-') ? "option" : "command", word,
                                 nearest_hint(word, commands)));
}

[[nodiscard]] Command parse(std::string const& command, Arguments const& words, JobRegistry const& registry,
                            ProgramFacts const& facts) {
    auto const table = run_option_table(facts.techniques);
    auto const is_help = [](std::string const& word) { return word == "--help" || word == "-h"; };

    if (command == "run") return parse_run(words, registry, table);
    if (command == "resume") return parse_resume(words, table);
    bool const takes_help = command == "list" || command == "describe";
    if (is_help(command) || (takes_help && std::ranges::any_of(words, is_help)))
        return {.kind = CommandKind::help, .text = program_help(table)};
    if (command == "describe") return parse_describe(words, registry, table);
    if (command != "list" && command != "--version") refuse_command(command, registry);
    if (!words.empty()) OptionParser().refuse(words.front(), "plenum --help");
    if (command == "list") return {.kind = CommandKind::list, .text = job_list(registry)};
    return {.kind = CommandKind::version, .text = facts.version + '\n'};
}

}  // namespace

Command parse_command_line(int argc, char const* const* argv, JobRegistry const& registry,
                           ProgramFacts const& facts) {
    if (argc < 2) throw UsageError("the command is missing; write plenum run JOB, or see plenum --help");
    try {
        return parse(argv[1], Arguments(argv + 2, argv + argc), registry, facts);
    } catch (UsageError const& error) {
        // The words of the user are quoted in it, and may hold newlines.
        throw UsageError(one_line(error.what(), std::string::npos, {}));
    }
}

}  // namespace plenum::app
