// Progress of a run for the person who waits: a bar on a terminal, sparse lines in a log file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "app/environment.hpp"
#include "app/run_options.hpp"
#include "app/terminal.hpp"

namespace plenum::app {

/// How far a run is.
struct ProgressState {
    std::optional<std::uint64_t> tasks;  ///< how many there are; nothing while nobody knows
    std::uint64_t done = 0;              ///< tasks with a result
    std::uint64_t failed = 0;            ///< tasks that ended without one; not counted in `done`
    double seconds = 0;                  ///< since the start of the run: the only clock here
    std::uint64_t retried = 0;           ///< failed attempts of tasks that run again
    bool stopping = false;               ///< no more tasks start
    std::optional<double> seconds_left = std::nullopt;  ///< to the time limit of the run
    std::uint64_t earlier = 0;  ///< of done and failed, those before this process: not its speed
    std::optional<double> packed = std::nullopt;  ///< share of the results that is compressed, at the end
};

/// "35.1 M tasks/s", "12.0 tasks/min", "3.0 tasks/h".
[[nodiscard]] std::string format_task_rate(double tasks_per_second);

/// One line about a state, without bar: "640/1000 (64 %)  10.7 tasks/s  ETA 34 s  2 failed", and
/// where they apply "3 retried", "7 min 20 s left", "stopping". At the end "compressing the results (40 %)".
[[nodiscard]] std::string describe_progress(ProgressState const& state, TextStyle const& style);

/// Draws progress on a descriptor. One thread at a time. Cheap to call: an update that draws nothing costs a
/// few comparisons. While a bar is drawn, everything else that goes to the terminal has to go through
/// print_line().
class Progress {
public:
    /// `fd` stays the caller's and has to outlive this. `automatic` becomes bar or lines, by what `fd` is.
    Progress(int fd, ProgressMode mode, EnvironmentLookup const& environment);
    Progress(Progress const&) = delete;
    Progress& operator=(Progress const&) = delete;
    Progress(Progress&&) = delete;
    Progress& operator=(Progress&&) = delete;
    /// Takes the bar away.
    ~Progress();

    /// Draws when it is time: a bar from 0.5 s on, ten times a second at most; lines after 1, 2, 5, 10, 20,
    /// 30 and 60 s, then every minute, from 10 min on every 10 min. `state.seconds` never goes back.
    void update(ProgressState const& state);
    /// A whole line of others; the bar stays below it. A newline is added where `text` has none.
    void print_line(std::string_view text);
    /// The end: takes the bar away, or writes the last line. Later updates draw nothing.
    void finish(ProgressState const& state);
    /// The end of a run that has failed: takes the bar away and draws nothing more.
    void stop();

    /// bar, lines or none.
    [[nodiscard]] ProgressMode mode() const noexcept { return mode_; }

private:
    [[nodiscard]] std::string bar_line() const;
    [[nodiscard]] std::string log_line() const;
    void clear_bar();

    int fd_;
    EnvironmentLookup environment_;
    ProgressMode mode_;
    TextStyle style_;
    ProgressState state_;
    double next_draw_seconds_;
    bool bar_is_drawn_ = false;
};

}  // namespace plenum::app
