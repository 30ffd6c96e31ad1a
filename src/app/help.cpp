#include "app/help.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <plenum/error.hpp>
#include <string_view>
#include <vector>

namespace plenum::app {
namespace {

constexpr std::size_t page_width = 80;
constexpr std::size_t widest_term = 24;

struct Row {
    std::string term;
    std::string text;
};

/// Words of `text` in lines that fit between `indent` and the page's edge; no newline at the end.
[[nodiscard]] std::string wrap(std::string_view text, std::size_t indent) {
    std::string lines;
    std::size_t column = indent;
    while (!text.empty()) {
        auto const word = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(text.size(), word.size() + 1));
        if (column > indent && column + 1 + word.size() > page_width) {
            lines += '\n' + std::string(indent, ' ');
            column = indent;
        } else if (column > indent) {
            lines += ' ';
            ++column;
        }
        lines += word;
        column += word.size();
    }
    return lines;
}

/// Two columns: terms, and their texts wrapped beside them.
[[nodiscard]] std::string layout(std::vector<Row> const& rows) {
    std::size_t width = 0;
    for (auto const& row : rows)
        if (row.term.size() <= widest_term) width = std::max(width, row.term.size());
    std::string text;
    for (auto const& row : rows) {
        auto const indent = width + 4;
        text += row.term.size() > width ? fmt::format("  {}\n{:{}}", row.term, "", indent)
                                        : fmt::format("  {:<{}}  ", row.term, width);
        text += wrap(row.text, indent) + '\n';
    }
    return text;
}

[[nodiscard]] Row help_row(RunOption const& option) {
    auto const short_form = option.short_name.empty() ? "    " : fmt::format("-{}, ", option.short_name);
    auto text = option.help;
    if (option.is_flag()) {
        text += fmt::format(" [{}=1]", option.variable());
    } else {
        auto const allowed =
            option.allowed.empty() ? "" : fmt::format("one of {}; ", fmt::join(option.allowed, ", "));
        text += fmt::format(" ({}default: {}) [{}]", allowed, option.default_text, option.variable());
    }
    return {short_form + option.flag() + (option.is_flag() ? "" : " " + option.placeholder), std::move(text)};
}

[[nodiscard]] Row help_row(JobOption const& option) {
    auto text = option.help;
    if (!option.default_value.empty() && !option.placeholder.empty())
        text += fmt::format(" (default: {})", option.default_value);
    return {"    --" + option.name + (option.placeholder.empty() ? "" : " " + option.placeholder),
            std::move(text)};
}

[[nodiscard]] Row help_row(FileOption const& option) {
    auto const short_form = option.short_name.empty() ? "    " : fmt::format("-{}, ", option.short_name);
    auto const allowed =
        option.allowed.empty() ? "" : fmt::format(" (one of {})", fmt::join(option.allowed, ", "));
    return {short_form + "--" + option.name + (option.placeholder.empty() ? "" : " " + option.placeholder),
            option.help + allowed};
}

template <class Option>
[[nodiscard]] std::string option_section(std::string_view title, std::vector<Option> const& options) {
    std::vector<Row> rows;
    for (auto const& option : options) rows.push_back(help_row(option));
    return fmt::format("\n{}:\n{}", title, layout(rows));
}

[[nodiscard]] std::string run_option_section(std::span<RunOption const> table) {
    return option_section("Run options", std::vector(table.begin(), table.end()));
}

[[nodiscard]] std::string exit_code_section() {
    struct Meaning {
        ExitCode code;
        std::string_view text;
    };
    static constexpr std::array meanings{
        Meaning{ExitCode::done, "all tasks done"},
        Meaning{ExitCode::usage, "the command line is wrong"},
        Meaning{ExitCode::environment, "an input file, memory, the disk or MPI is missing or broken"},
        Meaning{ExitCode::tasks_failed, "finished, but some tasks failed"},
        Meaning{ExitCode::incomplete, "stopped before the end"},
    };
    std::vector<Row> rows;
    for (auto const& meaning : meanings)
        rows.push_back({fmt::format("{:>2}", static_cast<int>(meaning.code)), std::string(meaning.text)});
    return fmt::format("\nExit codes, the same on every rank:\n{}", layout(rows));
}

/// Options that resume and retry do not take, or that say nothing there.
constexpr std::array<std::string_view, 7> fixed_by_the_run{"output", "seed",  "restart",     "shard",
                                                           "only",   "force", "retry-failed"};

constexpr std::string_view environment_note =
    "\nThe variable in brackets sets an option where the command line does not, and a\n"
    "file given with --config where neither does: lines such as seed = 7 at its top,\n"
    "and below [JOB] the job's options without dashes.\n";

}  // namespace

std::string program_help(std::span<RunOption const> table) {
    std::string text =
        "Plenum runs many independent tasks over MPI; results go to one HDF5 file.\n\n"
        "Usage: plenum COMMAND\n\nCommands:\n";
    std::vector<Row> rows{
        {"run JOB [options]", "run a job; under mpirun or srun on all ranks"},
        {"resume FILE [run options]", "go on with the unfinished run of a result file, where it was"},
        {"retry FILE [run options]", "run the failed tasks of a result file again"}};
    for (auto const& command : file_commands())
        rows.push_back({command.name + " " + command.arguments, command.summary});
    rows.insert(rows.end(), {{"list", "list the jobs with a line about each"},
                             {"describe JOB", "show what a job does and its options, as run JOB --help does"},
                             {"--version", "show the version"},
                             {"--help, -h", "show this help"}});
    text += layout(rows);
    text += run_option_section(table);
    text += environment_note;
    text += exit_code_section();
    text += "\nExample:\n  mpirun -n 8 plenum run JOB -o results.h5\n";
    return text;
}

std::string run_help(std::span<RunOption const> table) {
    return "Usage: plenum run JOB [job options] [run options]\n\n"
           "plenum list shows the jobs, plenum run JOB --help a job's own options.\n" +
           run_option_section(table) + std::string(environment_note);
}

std::string again_help(std::string const& command, std::span<RunOption const> table) {
    auto const text =
        command == "resume"
            ? "Goes on with the unfinished run of a result file, where it was: the same job with the "
              "same options and seed. What is done is kept. Other numbers of ranks or executors "
              "change no result."
            : "Runs the failed tasks of a result file again, of a finished one or of an unfinished "
              "run. A finished file stays as it is until the new one takes its place. Interrupted, "
              "it goes on with plenum resume.";
    std::vector<RunOption> options;
    for (auto const& option : table)
        if (std::ranges::find(fixed_by_the_run, option.name) == fixed_by_the_run.end() ||
            (option.name == "retry-failed" && command == "resume"))
            options.push_back(option);
    return fmt::format("Usage: plenum {} FILE [run options]\n\n", command) + wrap(text, 0) +
           "\n\nFILE is the name that stood behind -o, also where only its .partial is there.\n"
           "Under mpirun or srun all ranks take part. Run options that are not given are\n"
           "those of the command before, as far as they are recorded; --dry-run shows them.\n" +
           option_section("Run options", options) + std::string(environment_note) + exit_code_section();
}

std::string file_command_help(FileCommand const& command) {
    auto text = fmt::format("plenum {}: ", command.name);
    text += wrap(command.summary, text.size());
    text += fmt::format("\n\nUsage: plenum {} {} [options]\n\n", command.name, command.arguments);
    text += command.most_files > 1
                ? "Each FILE before -o is the finished file of a shard.\n"
                : "FILE is a result file, its .partial, or the name that a run will give to its\nfile.\n";
    return text + option_section("Options", command.options);
}

std::string job_help(Job const& job, std::span<RunOption const> table) {
    std::string text = fmt::format("{}: {}\n\nUsage: plenum run {}{} [run options]\n", job.name,
                                   wrap(job.summary, job.name.size() + 2), job.name,
                                   job.options.empty() ? "" : " [job options]");
    if (!job.options.empty()) text += option_section("Job options", job.options);
    text += run_option_section(table);
    text += environment_note;
    if (!job.example.empty()) text += fmt::format("\nExample:\n  {}\n", job.example);
    return text;
}

std::string job_list(JobRegistry const& registry) {
    if (registry.jobs().empty()) return "This build of plenum has no jobs.\n";
    std::vector<Row> rows;
    for (auto const& job : registry.jobs()) rows.push_back({job.name, job.summary});
    return layout(rows);
}

std::string run_options_markdown(std::span<RunOption const> table) {
    std::string text = "| option | variable | default | meaning |\n|---|---|---|---|\n";
    for (auto const& option : table) {
        auto const term = (option.short_name.empty() ? "" : "-" + option.short_name + ", ") + option.flag() +
                          (option.is_flag() ? "" : " " + option.placeholder);
        auto const allowed =
            option.allowed.empty() ? "" : fmt::format(": {}", fmt::join(option.allowed, ", "));
        text += fmt::format("| `{}` | `{}` | {} | {}{} |\n", term, option.variable(), option.default_text,
                            option.help, allowed);
    }
    return text;
}

}  // namespace plenum::app
