#include "app/command_line.hpp"

#include <array>
#include <sstream>

#include "app/app_test_tools.hpp"
#include "app/help.hpp"

namespace plenum::app {
namespace {

using testing::HasSubstr;

constexpr std::array<std::string_view, 3> techniques{"auto", "static", "gss"};

int nothing(JobContext&) {
    return 0;
}

class CommandLine : public testing::Test {
protected:
    CommandLine() {
        registry_.add({.name = "sleep", .summary = "wait", .run = nothing});
        registry_.add(
            {.name = "convolve",
             .summary = "convolve one image with a bank of filters, each task with one of them, and "
                        "keep every 5th pixel in both directions",
             .options = {{.name = "image", .placeholder = "FILE", .help = "image to convolve"},
                         {.name = "filters", .placeholder = "N", .default_value = "64", .help = "number"},
                         {.name = "verify", .help = "compare with the reference"}},
             .run = nothing,
             .example = "mpirun -n 4 plenum run convolve --image photo.png -o edges.h5"});
    }

    [[nodiscard]] Command parse(std::vector<char const*> words) const {
        words.insert(words.begin(), "plenum");
        return parse_command_line(static_cast<int>(words.size()), words.data(), registry_,
                                  {.version = "plenum 1.2.3", .techniques = techniques});
    }
    /// The options with the environment over them, as rank 0 has them.
    [[nodiscard]] RunOptions options(std::vector<char const*> const& words,
                                     std::map<std::string, std::string> variables) const {
        auto command = parse(words);
        apply_environment(command.options, run_option_table(techniques),
                          pretend_environment(std::move(variables)), command.given_options);
        return command.options;
    }
    [[nodiscard]] std::string refused(std::vector<char const*> const& words) const {
        auto const message = refusal([&] { (void)parse(words); });
        EXPECT_EQ(message.find('\n'), std::string::npos) << message;
        return message;
    }

    JobRegistry registry_;
};

TEST_F(CommandLine, RunTakesJobAndRunOptionsInAnyOrder) {
    auto const expected = parse({"run", "convolve", "--image", "a.png", "--filters", "8", "--verify", "-o",
                                 "x.h5", "--seed", "3", "--isolation", "none"});
    EXPECT_EQ(expected.kind, CommandKind::run);
    EXPECT_EQ(expected.job, "convolve");
    EXPECT_EQ(expected.text, "");
    EXPECT_EQ(expected.job_options,
              (std::map<std::string, std::string>{{"image", "a.png"}, {"filters", "8"}, {"verify", "true"}}));
    EXPECT_EQ(expected.options, (RunOptions{.output = "x.h5", .isolation = Isolation::none, .seed = 3}));

    auto const other = parse({"run", "--seed=3", "-ox.h5", "convolve", "--isolation=none", "--verify",
                              "--filters=8", "--image=a.png"});
    EXPECT_EQ(other.job, expected.job);
    EXPECT_EQ(other.job_options, expected.job_options);
    EXPECT_EQ(other.options, expected.options);
}

TEST_F(CommandLine, CommandsOnFilesTakeTheirOptions) {
    auto const file = parse({"status", "a.h5", "--watch", "--output-mode=json"}).file;
    EXPECT_EQ(file.command, "status");
    EXPECT_EQ(file.files, std::vector<std::string>{"a.h5"});
    EXPECT_EQ(file.value("watch"), "2");
    EXPECT_EQ(parse({"status", "--watch", "a.h5"}).file.files, std::vector<std::string>{"a.h5"});
    EXPECT_EQ(parse({"status", "--watch", "0.5", "a.h5"}).file.value("watch"), "0.5");
    EXPECT_EQ(parse({"merge", "a.h5", "b.h5", "-o", "c.h5"}).file.files.size(), 2u);
    EXPECT_TRUE(parse({"retry", "a.h5", "--executors", "2"}).retries);
    for (auto const& command : file_commands()) {
        auto const help = parse({command.name.c_str(), "--help"});
        EXPECT_EQ(help.kind, CommandKind::help);
        for (auto const& option : command.options) EXPECT_THAT(help.text, HasSubstr("--" + option.name));
        EXPECT_THAT(help.text, HasSubstr("Usage: plenum " + command.name + " " + command.arguments));
        EXPECT_THAT(refused({command.name.c_str()}), HasSubstr("the file is missing"));
        EXPECT_THAT(refused({command.name.c_str(), "a.h5", "--nonsense"}), HasSubstr("--nonsense"));
    }
    EXPECT_THAT(refused({"export", "a.h5", "--format", "xml"}), HasSubstr("csv, jsonl"));
    EXPECT_THAT(refused({"show", "a.h5", "b.h5"}), HasSubstr("b.h5"));
    EXPECT_THAT(refused({"retry", "a.h5", "--shard", "0/2"}), HasSubstr("--shard"));
}

TEST_F(CommandLine, TwoDashesEndTheOptions) {
    EXPECT_EQ(parse({"run", "--", "sleep"}).job, "sleep");
    EXPECT_EQ(parse({"run", "sleep", "--seed", "1", "--"}).options.seed, 1u);
}

TEST_F(CommandLine, DefaultsFillWhatIsNotGiven) {
    auto const command = parse({"run", "convolve"});
    EXPECT_EQ(command.job_options,
              (std::map<std::string, std::string>{{"image", ""}, {"filters", "64"}, {"verify", "false"}}));
    EXPECT_EQ(command.options, RunOptions{.output = "convolve.h5"});
}

TEST_F(CommandLine, ValuesMayLookLikeAnything) {
    for (auto const* text : {"-3", "list", "sleep", "convolve", "[a,b]", "{}", "/x", "a b", "a=b", "-"})
        EXPECT_EQ(parse({"run", "convolve", "--image", text}).job_options.at("image"), text);
    EXPECT_EQ(parse({"run", "convolve", "--image=--verify"}).job_options.at("image"), "--verify");
}

TEST_F(CommandLine, CommandLineOverEnvironmentOverDefault) {
    EXPECT_EQ(options({"run", "sleep"}, {{"PLENUM_SEED", "7"}}).seed, 7u);
    EXPECT_EQ(options({"run", "sleep", "--seed", "8"}, {{"PLENUM_SEED", "7"}}).seed, 8u);
    EXPECT_EQ(options({"run", "sleep"}, {{"PLENUM_OUTPUT", "e.h5"}}).output, "e.h5");
    EXPECT_EQ(options({"run", "sleep", "-o", "c.h5"}, {{"PLENUM_OUTPUT", "e.h5"}}).output, "c.h5");
    EXPECT_EQ(options({"run", "sleep"}, {}).output, "sleep.h5");
    EXPECT_TRUE(options({"run", "sleep"}, {{"PLENUM_DRY_RUN", "true"}}).dry_run);
    EXPECT_THAT(refusal([&] {
                    (void)options({"run", "sleep"}, {{"PLENUM_CHUNK_SIZE", "-3"}});
                }),
                HasSubstr("PLENUM_CHUNK_SIZE: '-3' is negative"));
}

TEST_F(CommandLine, MistakesAreOneLineWithTheWayOut) {
    struct Case {
        std::vector<char const*> words;
        char const* message;
    };
    for (auto const& [words, message] : std::vector<Case>{
             {{}, "the command is missing; write plenum run JOB, or see plenum --help"},
             {{"lst"}, "unknown command 'lst' ('list' is near); see plenum --help"},
             {{""}, "unknown command ''; see plenum --help"},
             {{"--vresion"}, "unknown option '--vresion' ('--version' is near); see plenum --help"},
             {{"convolve"}, "unknown command 'convolve' (it is a job); write plenum run convolve"},
             {{"list", "x"}, "unexpected argument 'x'; see plenum --help"},
             {{"--version", "--x"}, "unknown option '--x'; see plenum --help"},
             {{"describe"},
              "describe: the job is missing; write plenum describe JOB, plenum list shows the jobs"},
             {{"describe", "convlove"}, "unknown job 'convlove' ('convolve' is near); see plenum list"},
             {{"describe", "sleep", "x"}, "unexpected argument 'x'; see plenum --help"},
             {{"describe", "--x"}, "unknown option '--x'; see plenum --help"},
             {{"run"}, "run: the job is missing; write plenum run JOB, plenum list shows the jobs"},
             {{"run", "--force"},
              "run: the job is missing; write plenum run JOB, plenum list shows the jobs"},
             {{"run", "convlove"}, "unknown job 'convlove' ('convolve' is near); see plenum list"},
             {{"run", ""}, "unknown job ''; see plenum list"},
             {{"run", "zebra", "--image", "x"}, "unknown job 'zebra'; see plenum list"},
             {{"run", "--image=x", "convolve"},
              "option '--image' is no run option; options of a job follow its name: plenum run JOB --image"},
             {{"run", "convolve", "--fliters", "3"},
              "unknown option '--fliters' ('--filters' is near); see plenum run convolve --help"},
             {{"run", "convolve", "--sede=3"},
              "unknown option '--sede' ('--seed' is near); see plenum run convolve --help"},
             {{"run", "sleep", "--image", "x"}, "unknown option '--image'; see plenum run sleep --help"},
             {{"run", "sleep", "-x"}, "unknown option '-x'; see plenum run sleep --help"},
             {{"run", "sleep", "x"}, "unexpected argument 'x'; see plenum run sleep --help"},
             {{"run", "sleep", "sleep"}, "unexpected argument 'sleep'; see plenum run sleep --help"},
             {{"run", "sleep", "--", "x"}, "unexpected argument 'x'; see plenum run sleep --help"},
             {{"run", "sleep", "a\nb"}, "unexpected argument 'a b'; see plenum run sleep --help"},
             {{"run", "sleep", "-o"}, "--output needs a value; write --output=FILE"},
             {{"run", "sleep", "-o", "--force"}, "--output needs a value; write --output=FILE"},
             {{"run", "sleep", "--seed="}, "--seed needs a value; write --seed=N"},
             {{"run", "convolve", "--image", ""}, "--image needs a value; write --image=FILE"},
             {{"run", "convolve", "--image", "--verify"}, "--image needs a value; write --image=FILE"},
             {{"run", "sleep", "--seed", "1", "--seed", "2"}, "--seed is given twice; keep one"},
             {{"run", "sleep", "-o", "a", "--output", "b"}, "--output is given twice; keep one"},
             {{"run", "sleep", "--force", "--force"}, "--force is given twice; keep one"},
             {{"run", "convolve", "--filters", "1", "--filters", "1"}, "--filters is given twice; keep one"},
             {{"run", "sleep", "--force=yes"}, "--force takes no value; write it alone"},
             {{"run", "convolve", "--verify=0"}, "--verify takes no value; write it alone"},
             {{"run", "sleep", "--chunk-size", "-3"},
              "--chunk-size: '-3' is negative; write a whole number from 1"},
             {{"run", "sleep", "--schedule", "gsss"},
              "--schedule: 'gsss' is not known ('gss' is near); write one of auto, static, gss"},
         })
        EXPECT_EQ(refused(words), message);
}

TEST_F(CommandLine, HelpWinsAndGoesWithItsCommand) {
    auto const table = run_option_table(techniques);
    for (auto const* flag : {"--help", "-h"}) {
        EXPECT_EQ(parse({flag}).text, program_help(table));
        EXPECT_EQ(parse({"list", flag}).text, program_help(table));
        EXPECT_EQ(parse({"run", flag}).text, run_help(table));
        for (std::string const again : {"resume", "retry"})
            EXPECT_THAT(parse({again.c_str(), flag}).text,
                        testing::StartsWith("Usage: plenum " + again + " FILE [run options]\n"));
        EXPECT_EQ(parse({"run", "convolve", flag}).text, job_help(*registry_.find("convolve"), table));
        EXPECT_EQ(parse({"run", flag, "convolve", "--bogus", "--seed", "x"}).kind, CommandKind::help);
    }
    EXPECT_EQ(parse({"describe", "convolve"}).text, parse({"run", "convolve", "--help"}).text);
    EXPECT_EQ(parse({"describe", "convolve"}).kind, CommandKind::describe);
    EXPECT_EQ(parse({"--version"}).text, "plenum 1.2.3\n");
}

TEST_F(CommandLine, HelpMentionsEveryOptionWithVariableAndDefault) {
    auto const table = run_option_table(techniques);
    // Words wrap anywhere, so the comparison ignores how they are spaced.
    auto const words = [](std::string const& text) {
        std::istringstream stream(text);
        std::string joined;
        for (std::string word; stream >> word;) joined += word + ' ';
        return joined;
    };
    for (auto const& help : {parse({"--help"}).text, parse({"run", "--help"}).text,
                             parse({"describe", "convolve"}).text, run_options_markdown(table)}) {
        for (auto const& option : table) {
            EXPECT_THAT(help, HasSubstr(option.flag() + (option.is_flag() ? "" : " " + option.placeholder)));
            EXPECT_THAT(help, HasSubstr(option.variable()));
            EXPECT_THAT(words(help), HasSubstr(option.help));
            for (auto const& value : option.allowed) EXPECT_THAT(help, HasSubstr(value));
        }
    }
    auto const job = words(parse({"run", "convolve", "--help"}).text);
    for (auto const* part : {"--image FILE image to convolve", "--filters N number (default: 64)",
                             "--verify compare with the reference", "(default: auto) [PLENUM_CHUNK_SIZE]",
                             "-o, --output FILE", "-o edges.h5"})
        EXPECT_THAT(job, HasSubstr(part));
    auto const program = words(parse({"--help"}).text);
    for (auto const* part : {"0 all tasks done", "2 the command line", "3 an input file", "4 finished",
                             "75 stopped", "run JOB", "list", "describe JOB", "--version", "mpirun -n 8"})
        EXPECT_THAT(program, HasSubstr(part));
}

TEST_F(CommandLine, HelpFitsInto80Columns) {
    for (auto const& help : {parse({"--help"}).text, parse({"run", "--help"}).text,
                             parse({"describe", "convolve"}).text, parse({"list"}).text}) {
        EXPECT_TRUE(help.ends_with('\n'));
        std::istringstream stream(help);
        for (std::string line; std::getline(stream, line);) {
            EXPECT_LE(line.size(), 80u) << line;
            EXPECT_FALSE(line.ends_with(' ')) << line;
        }
    }
}

TEST_F(CommandLine, ListHasOneEntryForEachJobByName) {
    EXPECT_EQ(parse({"list"}).text,
              "  convolve  convolve one image with a bank of filters, each task with one of\n"
              "            them, and keep every 5th pixel in both directions\n"
              "  sleep     wait\n");
    EXPECT_EQ(job_list(JobRegistry()), "This build of plenum has no jobs.\n");
}

}  // namespace
}  // namespace plenum::app
