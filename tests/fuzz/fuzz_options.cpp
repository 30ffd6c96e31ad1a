// Command lines and files of options are taken or refused with one line. An input is the words of a command
// line, one in each line; what follows an empty line is the file.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <plenum/error.hpp>
#include <sstream>

#include "app/command_line.hpp"
#include "app/config_file.hpp"
#include "fuzz/fuzz_target.hpp"

namespace {

using namespace plenum;

int run_nothing(JobContext&) {
    return 0;
}

app::JobRegistry const& registry() {
    static app::JobRegistry const jobs = [] {
        app::JobRegistry made;
        made.add({.name = "convolve",
                  .summary = "filters",
                  .options = {{.name = "image", .placeholder = "FILE", .help = "a picture"},
                              {.name = "filters", .placeholder = "N", .default_value = "3", .help = "number"},
                              {.name = "verify", .help = "compare"}},
                  .run = run_nothing});
        return made;
    }();
    return jobs;
}

/// What users see has to be one line.
void require_one_line(char const* message) {
    if (*message != '\0' && std::strchr(message, '\n') == nullptr) return;
    std::fprintf(stderr, "no line: '%s'\n", message);
    std::abort();
}

template <class Work>
void refused_or_taken(Work&& work) {
    try {
        work();
    } catch (Error const& error) {
        require_one_line(error.what());
    }
}

std::string const& config_path() {
    static std::string const path =
        (std::filesystem::temp_directory_path() / ("plenum-fuzz-" + std::to_string(::getpid()) + ".toml"))
            .string();
    return path;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string const input(reinterpret_cast<char const*>(data), size);
    auto const border = input.find("\n\n");
    std::istringstream lines(input.substr(0, border));
    std::vector<std::string> words{"plenum"};
    for (std::string word; std::getline(lines, word);) words.push_back(word.substr(0, word.find('\0')));
    std::vector<char const*> arguments;
    for (auto const& word : words) arguments.push_back(word.c_str());
    auto const techniques = app::technique_names();
    refused_or_taken([&] {
        (void)app::parse_command_line(static_cast<int>(arguments.size()), arguments.data(), registry(),
                                      {.version = "plenum", .techniques = techniques});
    });
    if (border == std::string::npos) return 0;
    std::ofstream(config_path(), std::ios::binary) << input.substr(border + 2);
    auto const table = app::run_option_table(techniques);
    app::ConfigFile config;
    refused_or_taken([&] { config = app::read_config(config_path(), table, &registry(), "convolve"); });
    for (auto const& option : table) {
        auto const found = config.run.find(option.name);
        if (found == config.run.end()) continue;
        try {
            app::RunOptions options;
            app::store_option(options, option, found->second.text, found->second.source);
        } catch (UsageError const&) {
            // A value is quoted as it is; whoever prints the message makes one line of it.
        }
    }
    ::unlink(config_path().c_str());
    return 0;
}

std::vector<std::string> fuzz_seeds() {
    return {
        "run\nconvolve\n--image\na.png\n--filters=4\n--verify\n-o\nx.h5\n--seed\n7\n\n"
        "seed = 11\nchunk-size = 12\nschedule = \"gss\"\nforce = true\n[convolve]\nimage = "
        "\"b.png\"\nfilters = 3\n",
        "run\nconvolve\n--shard\n0/"
        "4\n--only\nm:3\n--node-memory\n512M\n--compress\ngzip:3\n--isolation\nnone\n\n"
        "node-memory = \"1G\"\nshard = \"1/3\"\ncommit-interval = 0.5\n[convolve]\nverify = false\nimage = "
        "[\"a\", \"b\"]\n",
        "status\n--watch\n2\n--output-mode\njson\nfile.h5\n",
        "export\nf.h5\n--format\njsonl\n--map\nm\n--values\n",
        "show\nf.h5\n--task=3\n",
        "merge\na.h5\nb.h5\n-o\nc.h5\n--allow-missing\n",
        "resume\nx.h5\n--executors\n3\n",
        "retry\nx.h5\n",
        "describe\nconvolve\n",
        "list\n",
        "--version\n",
        "--help\n",
        "run\nconvolve\n\nseed = 0x10\nx = { y = [1, 2.5e3, 1979-05-27], z = '''a\nb''' }\n[other.deep]\nq = "
        "nan\n"};
}
