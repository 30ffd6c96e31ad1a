#include "app/command_line.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <plenum/error.hpp>
#include <vector>

#include "app/help.hpp"
#include "app/nearest.hpp"
#include "app/option_parser.hpp"
#include "app/terminal.hpp"

namespace plenum::app {
namespace {

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

/// `resume FILE` or `retry FILE` with run options: the rest stands in the journal or the file, which only
/// rank 0 may see.
[[nodiscard]] Command parse_again(std::string const& name, Arguments const& words,
                                  std::span<RunOption const> table) {
    OptionParser parser;
    for (auto const& option : table) parser.add(option);
    auto rest = parser.parse(words);
    if (parser.given("help")) return {.kind = CommandKind::help, .text = again_help(name, table)};
    if (rest.empty())
        throw UsageError(fmt::format(
            "{}: the result file is missing; write plenum {} FILE, as it was given with -o", name, name));
    Command command{.kind = CommandKind::run, .resumes = name == "resume", .retries = name == "retry"};
    command.fixed_options = {"seed", "restart", "shard", "only"};
    for (auto const& option : table) {
        if (!parser.given(option.name)) continue;
        if (option.name == "output" || std::ranges::count(command.fixed_options, option.name) > 0)
            throw UsageError(
                fmt::format("{}: --{} is that of the run before; leave it out", name, option.name));
        store_option(command.options, option, parser.value(option.name), option.flag());
        command.given_options.push_back(option.name);
    }
    command.options.output = rest.front();
    command.given_options.emplace_back("output");
    if (command.retries) command.given_options.emplace_back("retry-failed");
    if (rest.size() > 1) parser.refuse(rest[1], "plenum --help");
    return command;
}

[[nodiscard]] bool is_number(std::string const& text) {
    return !text.empty() && text.find_first_not_of("0123456789.") == std::string::npos;
}

[[nodiscard]] Command parse_file_command(FileCommand const& command, Arguments words) {
    OptionParser parser;
    for (auto const& option : command.options) {
        parser.add(option.name, option.short_name, option.placeholder);
        if (option.optional_number.empty()) continue;
        auto const place = std::ranges::find(words, "--" + option.name);
        if (place == words.end()) continue;
        if (auto const next = std::next(place); next == words.end() || !is_number(*next))
            *place += "=" + option.optional_number;
    }
    auto rest = parser.parse(std::move(words));
    if (parser.given("help")) return {.kind = CommandKind::help, .text = file_command_help(command)};
    auto const see = fmt::format("plenum {} --help", command.name);
    for (auto const& word : rest)
        if (word.starts_with('-') && word != "-") parser.refuse(word, see);
    if (rest.empty())
        throw UsageError(fmt::format("{}: the file is missing; write plenum {} {}", command.name,
                                     command.name, command.arguments));
    if (rest.size() > command.most_files) parser.refuse(rest[command.most_files], see);
    FileRequest request{.command = command.name, .files = rest, .options = {}};
    for (auto const& option : command.options) {
        if (!parser.given(option.name)) continue;
        auto const value = parser.value(option.name);
        if (!option.allowed.empty() && std::ranges::find(option.allowed, value) == option.allowed.end())
            throw UsageError(fmt::format("--{}: '{}' is not known{}; write one of {}", option.name, value,
                                         nearest_hint(value, option.allowed),
                                         fmt::join(option.allowed, ", ")));
        request.options[option.name] = value;
    }
    return {.kind = CommandKind::file, .file = std::move(request)};
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
    Arguments commands{"run", "resume", "retry", "list", "describe", "--version", "--help"};
    for (auto const& command : file_commands()) commands.push_back(command.name);
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
    if (command == "resume" || command == "retry") return parse_again(command, words, table);
    for (auto const& each : file_commands())
        if (command == each.name) return parse_file_command(each, words);
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
