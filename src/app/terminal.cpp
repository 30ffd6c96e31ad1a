#include "app/terminal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <fstream>
#include <thread>

#include "base/unique_fd.hpp"

namespace plenum::app {
namespace {

[[nodiscard]] std::string value_of(EnvironmentLookup const& environment, std::string const& name) {
    return environment(name).value_or("");
}

[[nodiscard]] bool locale_is_utf8(EnvironmentLookup const& environment) {
    for (auto const* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
        auto locale = value_of(environment, name);
        if (locale.empty()) continue;
        for (auto& c : locale)
            if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        return locale.find("utf-8") != std::string::npos || locale.find("utf8") != std::string::npos;
    }
    return false;
}

[[nodiscard]] bool continues_code_point(char c) {
    return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

[[nodiscard]] std::string repeat(std::string_view glyph, std::size_t times) {
    std::string text;
    for (std::size_t i = 0; i < times; ++i) text += glyph;
    return text;
}

/// What the user looks at. Under mpirun a rank's own descriptors are pipes or a pseudo terminal of the
/// launcher, so the launcher's count; on another node than mpirun's there is no way to know, and so no
/// terminal.
[[nodiscard]] base::UniqueFd open_shown_terminal(int fd, EnvironmentLookup const& environment) {
    if (!environment("OMPI_COMM_WORLD_RANK")) return base::UniqueFd(::isatty(fd) == 1 ? ::dup(fd) : -1);
    auto const launcher = fmt::format("/proc/{}", ::getppid());
    std::ifstream comm(launcher + "/comm");
    std::string name;
    std::getline(comm, name);
    if (name != "mpirun" && name != "mpiexec" && name != "orterun") return {};
    base::UniqueFd shown(
        ::open(fmt::format("{}/fd/{}", launcher, fd).c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
    return shown && ::isatty(shown.get()) == 1 ? std::move(shown) : base::UniqueFd();
}

}  // namespace

bool is_terminal(int fd, EnvironmentLookup const& environment) {
    auto const term = value_of(environment, "TERM");
    return !term.empty() && term != "dumb" && open_shown_terminal(fd, environment);
}

TextStyle text_style(int fd, EnvironmentLookup const& environment) {
    bool const terminal = is_terminal(fd, environment);
    return {.colour = terminal && value_of(environment, "NO_COLOR").empty(),
            .unicode = locale_is_utf8(environment),
            .width = terminal ? terminal_width(fd, environment) : std::string::npos};
}

std::size_t terminal_width(int fd, EnvironmentLookup const& environment) {
    winsize size{};
    auto const terminal = open_shown_terminal(fd, environment);
    return terminal && ::ioctl(terminal.get(), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string coloured(std::string_view text, Colour colour, TextStyle const& style) {
    if (!style.colour) return std::string(text);
    static constexpr std::string_view codes[] = {"31", "32"};
    return "\x1b[" + std::string(codes[static_cast<std::size_t>(colour)]) + "m" + std::string(text) +
           "\x1b[0m";
}

std::string bar(double share, std::size_t width, TextStyle const& style) {
    double const filled =
        std::clamp(std::isfinite(share) ? share : 0.0, 0.0, 1.0) * static_cast<double>(width);
    if (!style.unicode) {
        auto const full = static_cast<std::size_t>(std::lround(filled));
        return std::string(full, '#') + std::string(width - full, '-');
    }
    // Eighths of a block; what is not filled is shaded, so that the end of the scale can be seen.
    static constexpr std::string_view parts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    auto const eighths = static_cast<std::size_t>(std::lround(filled * 8));
    auto const full = eighths / 8;
    auto const partial = parts[eighths % 8];
    return repeat("█", full) + std::string(partial) + repeat("░", width - full - (partial.empty() ? 0 : 1));
}

std::size_t columns(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return !continues_code_point(c); }));
}

std::string one_line(std::string_view text, std::size_t width, TextStyle const& style) {
    std::string line;
    for (char const c : text) {
        bool const control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
        line += control ? ' ' : c;
    }
    while (line.ends_with(' ')) line.pop_back();
    if (columns(line) <= width) return line;
    std::string_view const ellipsis = style.unicode ? "…" : "...";
    auto const kept = width - std::min(width, columns(ellipsis));
    std::size_t end = 0;
    for (std::size_t seen = 0; end < line.size(); ++end)
        if (!continues_code_point(line[end]) && seen++ == kept) break;
    return line.substr(0, end) + std::string(ellipsis);
}

void write_all(int fd, std::string_view text) noexcept {
    while (!text.empty()) {
        auto const written = ::write(fd, text.data(), text.size());
        if (written >= 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno == EAGAIN) {
            // Somebody made the terminal non-blocking: wait a little, then give up rather than hang.
            pollfd ready{.fd = fd, .events = POLLOUT, .revents = 0};
            if (::poll(&ready, 1, 1000) <= 0) return;
        } else if (errno != EINTR) {
            return;
        }
    }
}

void wait_until_read(int fd, double seconds) noexcept {
    auto const end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    struct stat status {};
    if (::fstat(fd, &status) != 0 || !S_ISFIFO(status.st_mode)) return;
    for (int unread = 0; ::ioctl(fd, FIONREAD, &unread) == 0 && unread > 0;) {
        if (std::chrono::steady_clock::now() >= end) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

}  // namespace plenum::app
