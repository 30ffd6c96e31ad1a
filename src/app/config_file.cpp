#include "app/config_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <plenum/error.hpp>
#include <string_view>
#include <vector>

#include "app/nearest.hpp"
#include "app/terminal.hpp"
#include "base/unique_fd.hpp"

namespace plenum::app {
namespace {

constexpr std::size_t most_bytes = 1 << 20;

[[nodiscard]] std::string read_text(std::string const& path) {
    auto const refuse = [&](std::string const& why) {
        return EnvironmentError(
            fmt::format("{}: the options cannot be read ({}); name a TOML file with --config", path, why));
    };
    base::UniqueFd const fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0) throw refuse(std::strerror(errno));
    if (!S_ISREG(status.st_mode))
        throw refuse(S_ISDIR(status.st_mode) ? "it is a folder" : "no regular file");
    std::string text;
    for (std::vector<char> piece(64 * 1024); text.size() <= most_bytes;) {
        auto const got = ::read(fd.get(), piece.data(), piece.size());
        if (got < 0) throw refuse(std::strerror(errno));
        if (got == 0) return text;
        text.append(piece.data(), static_cast<std::size_t>(got));
    }
    throw refuse("it is longer than 1 MiB");
}

/// What is allowed in one table of the file.
struct Allowed {
    struct Option {
        std::string name;
        bool is_flag;
    };
    std::vector<Option> options;
    std::vector<std::string> elsewhere;  // options that belong into the other kind of table
    std::string place;                   // where those are to be written
    std::string help;                    // the command that shows `options`
};

class Reader {
public:
    explicit Reader(std::string const& path) : path_(path) {}

    [[nodiscard]] std::string place(toml::key const& key) const {
        return fmt::format("{}:{}", path_, key.source().begin.line);
    }

    [[nodiscard]] ConfigValue value_of(toml::key const& key, toml::node const& node,
                                       Allowed const& allowed) const {
        std::string const name(key.str());
        auto const option = std::ranges::find(allowed.options, name, &Allowed::Option::name);
        if (option == allowed.options.end()) refuse_key(key, name, allowed);
        ConfigValue value{.text = {}, .source = fmt::format("{}: {}", place(key), name)};
        if (option->is_flag != node.is_boolean())
            throw UsageError(
                option->is_flag
                    ? fmt::format("{} is a switch; write true or false without quotes", value.source)
                    : refuse_type(node, value.source));
        value.text = text_of(node, value.source);
        if (value.text.empty())
            throw UsageError(fmt::format("{} is empty; write a value or remove the line", value.source));
        return value;
    }

private:
    [[noreturn]] void refuse_key(toml::key const& key, std::string const& name,
                                 Allowed const& allowed) const {
        if (std::ranges::find(allowed.elsewhere, name) != allowed.elsewhere.end())
            throw UsageError(fmt::format("{}: key '{}' is in the wrong place; write it {}", place(key), name,
                                         allowed.place));
        std::vector<std::string> names;
        for (auto const& option : allowed.options) names.push_back(option.name);
        throw UsageError(fmt::format("{}: unknown key '{}'{}; see {}", place(key), name,
                                     nearest_hint(name, names), allowed.help));
    }

    [[nodiscard]] static std::string refuse_type(toml::node const& node, std::string const& source) {
        auto const what = node.is_boolean() ? "true or false"
                          : node.is_table() ? "a table"
                          : node.is_array() ? "a list in a list"
                                            : "a date or time";
        return fmt::format("{} cannot be {}; write a text, a number or a list of them", source, what);
    }

    [[nodiscard]] static std::string text_of(toml::node const& node, std::string const& source) {
        if (auto const* const list = node.as_array()) {
            std::string all;
            for (auto const& element : *list) {
                if (element.is_array() || element.is_boolean())
                    throw UsageError(refuse_type(element, source));
                if (!all.empty()) all += ',';
                all += text_of(element, source);
            }
            return all;
        }
        if (auto const* const text = node.as_string()) return text->get();
        if (auto const* const flag = node.as_boolean()) return flag->get() ? "true" : "false";
        if (auto const* const number = node.as_integer()) return std::to_string(number->get());
        if (auto const* const number = node.as_floating_point()) {
            auto text = fmt::format("{}", number->get());
            // 1.0 is no whole number here either.
            if (text.find_first_not_of("-0123456789") == std::string::npos) text += ".0";
            return text;
        }
        throw UsageError(refuse_type(node, source));
    }

    std::string const& path_;
};

[[nodiscard]] Allowed allowed_in(Job const& job, std::span<RunOption const> table) {
    Allowed allowed{.options = {},
                    .elsewhere = {},
                    .place = fmt::format("above the first [table], as it is a run option"),
                    .help = fmt::format("plenum run {} --help", job.name)};
    for (auto const& option : job.options)
        allowed.options.push_back({option.name, option.placeholder.empty()});
    for (auto const& option : table) allowed.elsewhere.push_back(option.name);
    return allowed;
}

[[nodiscard]] Allowed allowed_at_top(std::span<RunOption const> table, Job const* job) {
    Allowed allowed{.options = {}, .elsewhere = {}, .place = {}, .help = "plenum run --help"};
    for (auto const& option : table)
        if (option.name != "config") allowed.options.push_back({option.name, option.is_flag()});
    if (job == nullptr) return allowed;
    for (auto const& option : job->options) allowed.elsewhere.push_back(option.name);
    allowed.place = fmt::format("below [{}], as it is an option of that job", job->name);
    return allowed;
}

/// TOML has no control characters; toml++ expects that where a key begins.
void require_text(std::string const& text, std::string const& path) {
    auto const is_control = [](char c) {
        return (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f;
    };
    auto const found = std::ranges::find_if(text, is_control);
    if (found == text.end()) return;
    throw UsageError(fmt::format("{}:{}: this is not TOML (control character {:#04x}); remove it", path,
                                 1 + std::count(text.begin(), found, '\n'),
                                 static_cast<unsigned char>(*found)));
}

ConfigFile read_tables(std::string const& path, std::span<RunOption const> table, JobRegistry const* jobs,
                       std::string const& job) {
    auto const text = read_text(path);
    require_text(text, path);
    toml::table content;
    try {
        content = toml::parse(text, path);
    } catch (toml::parse_error const& error) {
        throw UsageError(fmt::format("{}:{}: this is not TOML ({}); correct the line", path,
                                     error.source().begin.line, error.description()));
    }
    Reader const reader(path);
    auto const top = allowed_at_top(table, jobs != nullptr ? jobs->find(job) : nullptr);
    ConfigFile config;
    for (auto const& [key, node] : content) {
        std::string const name(key.str());
        auto const* const entries = node.as_table();
        if (entries == nullptr && jobs != nullptr && jobs->find(name) != nullptr)
            throw UsageError(fmt::format("{}: '{}' is a job, not an option; write its options below [{}]",
                                         reader.place(key), name, name));
        if (entries == nullptr ||
            std::ranges::find(top.options, name, &Allowed::Option::name) != top.options.end()) {
            config.run[name] = reader.value_of(key, node, top);
            continue;
        }
        if (jobs == nullptr) continue;
        auto const* const owner = jobs->find(name);
        if (owner == nullptr)
            throw UsageError(
                fmt::format("{}: unknown table [{}]{}; name it like a job, plenum list shows them",
                            reader.place(key), name, nearest_hint(name, jobs->names())));
        auto const allowed = allowed_in(*owner, table);
        for (auto const& [option, value] : *entries) {
            auto read = reader.value_of(option, value, allowed);
            if (name == job) config.job[std::string(option.str())] = std::move(read);
        }
    }
    return config;
}

}  // namespace

ConfigFile read_config(std::string const& path, std::span<RunOption const> table, JobRegistry const* jobs,
                       std::string const& job) {
    try {
        return read_tables(path, table, jobs, job);
    } catch (UsageError const& error) {
        // Keys and the parser's words are quoted in it, and may hold newlines.
        throw UsageError(one_line(error.what(), std::string::npos, {}));
    }
}

}  // namespace plenum::app
