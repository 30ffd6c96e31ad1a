#include "app/progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/units.hpp"

namespace plenum::app {
namespace {

constexpr double first_bar_seconds = 0.5;  // a shorter run shows its summary at once
constexpr double bar_interval_seconds = 0.1;
constexpr double never = std::numeric_limits<double>::infinity();
constexpr std::string_view clear_line = "\r\x1b[K";

/// The next moment after `seconds` at which a log file gets a line.
[[nodiscard]] double next_line_seconds(double seconds) {
    static constexpr std::array first{1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0};
    for (double const moment : first)
        if (moment > seconds) return moment;
    double const interval = seconds < 600 ? 60 : 600;
    return (std::floor(seconds / interval) + 1) * interval;
}

[[nodiscard]] std::string format_eta(double seconds) {
    return seconds < 60 ? fmt::format("{:.0f} s", std::ceil(seconds)) : base::format_duration(seconds);
}

/// Share of the tasks that are over, where it is known.
[[nodiscard]] std::optional<double> share_of(ProgressState const& state) {
    if (state.packed) return state.packed;
    if (!state.tasks) return std::nullopt;
    if (*state.tasks == 0) return 1.0;
    return std::min(1.0, static_cast<double>(state.done + state.failed) / static_cast<double>(*state.tasks));
}

/// Whole percent, rounded down, so that 100 % means the end.
[[nodiscard]] int percent(double share) {
    return static_cast<int>(share * 100);
}

/// Parts of a line, in the order of their importance.
struct Parts {
    std::string count;    ///< "640/1000", or what is done after all tasks
    std::string rate;     ///< "10.7 tasks/s", or empty before the first task is over
    std::string eta;      ///< "ETA 34 s", or empty where nobody knows
    std::string failed;   ///< "2 failed", or empty
    std::string retried;  ///< "3 retried", or empty
    std::string limit;    ///< "7 min 20 s left" or "stopping", or empty
};

[[nodiscard]] Parts parts_of(ProgressState const& state) {
    auto const over = state.done + state.failed;
    Parts parts;
    if (state.packed) {
        parts.count = "compressing the results";
        return parts;
    }
    parts.count = state.tasks ? fmt::format("{}/{}", over, *state.tasks) : fmt::format("{} tasks", over);
    if (over > state.earlier && state.seconds > 0) {
        double const rate = static_cast<double>(over - state.earlier) / state.seconds;
        parts.rate = format_task_rate(rate);
        if (state.tasks && *state.tasks > over)
            parts.eta = "ETA " + format_eta(static_cast<double>(*state.tasks - over) / rate);
    }
    if (state.failed > 0) parts.failed = fmt::format("{} failed", state.failed);
    if (state.retried > 0) parts.retried = fmt::format("{} retried", state.retried);
    if (state.stopping)
        parts.limit = "stopping";
    else if (state.seconds_left)
        parts.limit = format_eta(*state.seconds_left) + " left";
    return parts;
}

}  // namespace

std::string format_task_rate(double tasks_per_second) {
    if (tasks_per_second >= 1) return base::format_count(tasks_per_second) + " tasks/s";
    if (tasks_per_second * 60 >= 1) return fmt::format("{:.1f} tasks/min", tasks_per_second * 60);
    return fmt::format("{:.1f} tasks/h", tasks_per_second * 3600);
}

std::string describe_progress(ProgressState const& state, TextStyle const& style) {
    auto const parts = parts_of(state);
    auto line = parts.count;
    if (auto const share = share_of(state)) line += fmt::format(" ({} %)", percent(*share));
    for (auto const& part : {parts.rate, parts.eta})
        if (!part.empty()) line += "  " + part;
    if (!parts.failed.empty()) line += "  " + coloured(parts.failed, Colour::red, style);
    for (auto const& part : {parts.retried, parts.limit})
        if (!part.empty()) line += "  " + part;
    return line;
}

Progress::Progress(int fd, ProgressMode mode, EnvironmentLookup const& environment)
    : fd_(fd),
      environment_(environment),
      mode_(mode),
      style_(text_style(fd, environment)),
      next_draw_seconds_(never) {
    if (mode_ == ProgressMode::automatic)
        mode_ = is_terminal(fd, environment) ? ProgressMode::bar : ProgressMode::lines;
    if (mode_ == ProgressMode::bar) next_draw_seconds_ = first_bar_seconds;
    if (mode_ == ProgressMode::lines) next_draw_seconds_ = next_line_seconds(0);
}

Progress::~Progress() {
    clear_bar();
}

void Progress::update(ProgressState const& state) {
    state_ = state;
    if (state.seconds < next_draw_seconds_) return;
    if (mode_ == ProgressMode::bar) {
        write_all(fd_, std::string(clear_line) + bar_line());
        bar_is_drawn_ = true;
        next_draw_seconds_ = state.seconds + bar_interval_seconds;
    } else {
        write_all(fd_, log_line());
        next_draw_seconds_ = next_line_seconds(state.seconds);
    }
}

void Progress::print_line(std::string_view text) {
    // One write, so that nobody sees the terminal between two of its parts.
    std::string output(bar_is_drawn_ ? clear_line : "");
    output += text;
    if (!text.ends_with('\n')) output += '\n';
    if (bar_is_drawn_) output += bar_line();
    write_all(fd_, output);
}

void Progress::finish(ProgressState const& state) {
    state_ = state;
    clear_bar();
    if (mode_ == ProgressMode::lines && next_draw_seconds_ != never) write_all(fd_, log_line());
    next_draw_seconds_ = never;
}

void Progress::stop() {
    clear_bar();
    next_draw_seconds_ = never;
}

void Progress::clear_bar() {
    if (bar_is_drawn_) write_all(fd_, clear_line);
    bar_is_drawn_ = false;
}

std::string Progress::log_line() const {
    return fmt::format("plenum: {}  {}\n", base::format_duration(state_.seconds),
                       describe_progress(state_, style_));
}

std::string Progress::bar_line() const {
    constexpr std::size_t least_bar = 8;
    constexpr std::size_t widest_bar = 40;
    constexpr std::string_view gap = "  ";
    // The last column stays free: a character there makes some terminals wrap.
    auto spare = terminal_width(fd_, environment_) - 1;
    auto const share = share_of(state_);
    auto const parts = parts_of(state_);

    std::string text;
    if (share) text = fmt::format("{:3} %", percent(*share));
    if (text.size() > spare) return "";
    spare -= text.size();
    // What does not fit is left out, the least important first.
    std::string details;
    for (auto const* part :
         {&parts.count, &parts.failed, &parts.rate, &parts.eta, &parts.limit, &parts.retried}) {
        if (part->empty()) continue;
        if (gap.size() + part->size() > spare) break;
        spare -= gap.size() + part->size();
        details += gap;
        details += part == &parts.failed ? coloured(*part, Colour::red, style_) : *part;
    }
    if (share && spare >= gap.size() + least_bar) {
        text += gap;
        text += bar(*share, std::min(widest_bar, spare - gap.size()), style_);
    }
    return text + details;
}

}  // namespace plenum::app
