#include "app/progress.hpp"

#include <fcntl.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <thread>
#include <utility>

#include "app/app_test_tools.hpp"
#include "base/unique_fd.hpp"

namespace plenum::app {
namespace {

using base::UniqueFd;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view clear = "\r\x1b[K";

/// A pipe or a terminal, and what was written into it.
class Screen {
public:
    [[nodiscard]] static Screen pipe() {
        int ends[2];
        if (::pipe(ends) != 0) throw std::runtime_error("pipe");
        return {ends[0], ends[1]};
    }
    [[nodiscard]] static Screen terminal(unsigned short columns) {
        int reader = -1;
        int writer = -1;
        winsize size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
        if (::openpty(&reader, &writer, nullptr, nullptr, &size) != 0) throw std::runtime_error("openpty");
        return {reader, writer};
    }

    [[nodiscard]] int fd() const { return writer_.get(); }
    void resize(unsigned short columns) const {
        winsize const size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
        ASSERT_EQ(::ioctl(writer_.get(), TIOCSWINSZ, &size), 0);
    }
    /// What was written since the last call. (A terminal turns each newline into \r\n.)
    [[nodiscard]] std::string take() const {
        std::string text;
        char buffer[4096];
        for (ssize_t n; (n = ::read(reader_.get(), buffer, sizeof buffer)) > 0;)
            text.append(buffer, static_cast<std::size_t>(n));
        return text;
    }

private:
    Screen(int reader, int writer) : reader_(reader), writer_(writer) {
        ::fcntl(reader, F_SETFL, O_NONBLOCK);
    }
    UniqueFd reader_;
    UniqueFd writer_;
};

[[nodiscard]] EnvironmentLookup xterm(std::map<std::string, std::string> more = {}) {
    more.emplace("TERM", "xterm");
    return pretend_environment(std::move(more));
}

[[nodiscard]] ProgressState at(double seconds, std::uint64_t done = 0, std::uint64_t failed = 0) {
    return {.tasks = 1000, .done = done, .failed = failed, .seconds = seconds};
}

/// The bar that was drawn last, without the sequence that clears the line.
[[nodiscard]] std::string last_bar(std::string const& written) {
    return written.substr(written.rfind(clear) + clear.size());
}

TEST(ProgressLine, SaysAtTheEndHowMuchIsCompressed) {
    auto state = at(20, 990, 10);
    state.packed = 0.426;
    EXPECT_EQ(describe_progress(state, {}), "compressing the results (42 %)");
    auto const terminal = Screen::terminal(60);
    Progress progress(terminal.fd(), ProgressMode::automatic, xterm());
    progress.update(state);
    EXPECT_THAT(last_bar(terminal.take()),
                AllOf(HasSubstr(" 42 %  ###"), HasSubstr("-  compressing the results")));
}

TEST(ProgressMode, AutomaticFollowsTheDescriptor) {
    auto const pipe = Screen::pipe();
    auto const terminal = Screen::terminal(80);
    auto const mode = [](Screen const& screen, EnvironmentLookup const& environment) {
        return Progress(screen.fd(), ProgressMode::automatic, environment).mode();
    };
    EXPECT_EQ(mode(pipe, xterm()), ProgressMode::lines);
    EXPECT_EQ(mode(terminal, xterm()), ProgressMode::bar);
    EXPECT_EQ(mode(terminal, pretend_environment({{"TERM", "dumb"}})), ProgressMode::lines);
    EXPECT_EQ(mode(terminal, pretend_environment()), ProgressMode::lines);
    EXPECT_EQ(Progress(terminal.fd(), ProgressMode::none, xterm()).mode(), ProgressMode::none);
    EXPECT_EQ(Progress(pipe.fd(), ProgressMode::bar, xterm()).mode(), ProgressMode::bar);
}

TEST(ProgressBar, TellsCountPercentRateAndTimeLeft) {
    auto const screen = Screen::terminal(100);
    Progress progress(screen.fd(), ProgressMode::bar, xterm());
    progress.update(at(10, 250));
    // 250 of 1000 in 10 s: 25/s, 750 left in 30 s; a quarter of 40 columns.
    EXPECT_EQ(screen.take(),
              "\r\x1b[K 25 %  ##########------------------------------  250/1000  25 tasks/s  ETA 30 s");
}

TEST(ProgressBar, IsRedrawnTenTimesASecondAtMostAndNotInShortRuns) {
    auto const screen = Screen::terminal(80);
    Progress progress(screen.fd(), ProgressMode::bar, xterm());
    auto const draws = [&](double seconds) {
        progress.update(at(seconds, 1));
        return !screen.take().empty();
    };
    EXPECT_FALSE(draws(0));
    EXPECT_FALSE(draws(0.4));
    EXPECT_TRUE(draws(0.5));
    EXPECT_FALSE(draws(0.55));
    EXPECT_TRUE(draws(0.625));
    EXPECT_FALSE(draws(0.7));
    EXPECT_TRUE(draws(5));

    Progress short_run(screen.fd(), ProgressMode::bar, xterm());
    for (double seconds : {0.0, 0.1, 0.2, 0.3}) short_run.update(at(seconds, 500));
    short_run.finish(at(0.4, 1000));
    EXPECT_EQ(screen.take(), "");
}

TEST(ProgressBar, FollowsTheWidthOfTheTerminal) {
    auto const screen = Screen::terminal(200);
    Progress progress(screen.fd(), ProgressMode::bar, xterm());
    double seconds = 1;
    for (unsigned short width = 200; width >= 4; --width) {
        screen.resize(width);
        progress.update(at(seconds, 250));
        seconds += 1;
        EXPECT_LT(columns(last_bar(screen.take())), width);
    }
    screen.resize(30);
    progress.update(at(1000, 250));
    EXPECT_EQ(last_bar(screen.take()), " 25 %  ###---------  250/1000");
}

TEST(ProgressBar, ShowsFailuresInRedUnlessColoursAreUnwanted) {
    auto const screen = Screen::terminal(100);
    Progress coloured_bar(screen.fd(), ProgressMode::bar, xterm());
    coloured_bar.update(at(1, 10, 0));
    EXPECT_THAT(screen.take(), Not(HasSubstr("failed")));
    coloured_bar.update(at(2, 10, 3));
    EXPECT_THAT(screen.take(), HasSubstr("13/1000  \x1b[31m3 failed\x1b[0m  "));
    Progress plain_bar(screen.fd(), ProgressMode::bar, xterm({{"NO_COLOR", "1"}}));
    plain_bar.update(at(2, 10, 3));
    EXPECT_THAT(screen.take(), HasSubstr("13/1000  3 failed  "));
}

TEST(ProgressBar, DrawsBlocksWhereTheLocaleHasThem) {
    auto const screen = Screen::terminal(100);
    Progress progress(screen.fd(), ProgressMode::bar, xterm({{"LANG", "en_US.UTF-8"}}));
    progress.update(at(1, 500));
    EXPECT_THAT(screen.take(), HasSubstr("█░"));
    // LC_ALL has the last word.
    Progress ascii(screen.fd(), ProgressMode::bar, xterm({{"LANG", "en_US.UTF-8"}, {"LC_ALL", "C"}}));
    ascii.update(at(1, 500));
    EXPECT_THAT(screen.take(), HasSubstr("#-"));
}

TEST(ProgressBar, KnowsNothingOfTheEndWhenTheTotalIsUnknown) {
    auto const screen = Screen::terminal(80);
    Progress progress(screen.fd(), ProgressMode::bar, xterm());
    progress.update({.tasks = std::nullopt, .done = 50, .failed = 0, .seconds = 5});
    EXPECT_EQ(last_bar(screen.take()), "  50 tasks  10 tasks/s");
}

TEST(ProgressBar, LinesOfOthersStayWholeAboveIt) {
    auto const screen = Screen::terminal(80);
    Progress progress(screen.fd(), ProgressMode::bar, xterm());
    progress.print_line("before the bar");
    EXPECT_EQ(screen.take(), "before the bar\r\n");
    progress.update(at(1, 250));
    auto const drawn = screen.take();
    progress.print_line("[task 3] hello");
    EXPECT_EQ(screen.take(), std::string(clear) + "[task 3] hello\r\n" + last_bar(drawn));
    progress.print_line("with its newline\n");
    EXPECT_EQ(screen.take(), std::string(clear) + "with its newline\r\n" + last_bar(drawn));
    progress.finish(at(2, 1000));
    EXPECT_EQ(screen.take(), clear);
    progress.print_line("after the bar");
    EXPECT_EQ(screen.take(), "after the bar\r\n");
    progress.update(at(3, 1000));
    EXPECT_EQ(screen.take(), "");
}

TEST(ProgressBar, IsTakenAwayWhenTheRunEndsWithAnException) {
    auto const screen = Screen::terminal(80);
    {
        Progress progress(screen.fd(), ProgressMode::bar, xterm());
        progress.update(at(1, 250));
        (void)screen.take();
    }
    EXPECT_EQ(screen.take(), clear);
}

TEST(ProgressLines, ComeAtGrowingIntervals) {
    auto const screen = Screen::pipe();
    Progress progress(screen.fd(), ProgressMode::lines, xterm());
    std::vector<int> moments;
    for (int tenths = 0; tenths <= 31'000; ++tenths) {
        progress.update(at(tenths / 10.0, 1));
        if (!screen.take().empty()) moments.push_back(tenths);
    }
    EXPECT_EQ(moments, (std::vector<int>{10,   20,   50,   100,  200,  300,  600,   1200,  1800,  2400,
                                         3000, 3600, 4200, 4800, 5400, 6000, 12000, 18000, 24000, 30000}));
}

TEST(ProgressLines, AreNotMadeUpForWhenUpdatesComeLate) {
    auto const screen = Screen::pipe();
    Progress progress(screen.fd(), ProgressMode::lines, xterm());
    progress.update(at(7, 7));
    EXPECT_EQ(screen.take(), "plenum: 7.00 s  7/1000 (0 %)  1 tasks/s  ETA 16 min 33 s\n");
    progress.update(at(9, 9));
    EXPECT_EQ(screen.take(), "");
    progress.update(at(10, 999));
    EXPECT_EQ(screen.take(), "plenum: 10.0 s  999/1000 (99 %)  99.9 tasks/s  ETA 1 s\n");
}

TEST(ProgressLines, ArePlainAndEndWithALastOne) {
    auto const screen = Screen::terminal(80);
    Progress progress(screen.fd(), ProgressMode::lines, xterm({{"NO_COLOR", "1"}}));
    progress.print_line("a task's line");
    progress.finish(at(0.25, 998, 2));
    EXPECT_EQ(screen.take(),
              "a task's line\r\nplenum: 0.25 s  1000/1000 (100 %)  4.0 k tasks/s  2 failed\r\n");
    progress.finish(at(0.25, 998, 2));
    EXPECT_EQ(screen.take(), "");
}

TEST(ProgressNone, DrawsNothingButPassesLinesOn) {
    auto const screen = Screen::terminal(80);
    Progress progress(screen.fd(), ProgressMode::none, xterm());
    for (double seconds : {0.0, 1.0, 100.0}) progress.update(at(seconds, 5));
    progress.finish(at(200, 1000));
    EXPECT_EQ(screen.take(), "");
    progress.print_line("a task's line");
    EXPECT_EQ(screen.take(), "a task's line\r\n");
}

TEST(ProgressText, HasNoRateBeforeTheFirstTaskAndNoNonsenseAtTheEdges) {
    EXPECT_EQ(describe_progress(at(5), {}), "0/1000 (0 %)");
    EXPECT_EQ(describe_progress(at(0, 5), {}), "5/1000 (0 %)");
    EXPECT_EQ(describe_progress({.tasks = 0, .done = 0, .failed = 0, .seconds = 1}, {}), "0/0 (100 %)");
    EXPECT_EQ(describe_progress(at(5, 0, 1), {}), "1/1000 (0 %)  12.0 tasks/min  ETA 1 h 23 min  1 failed");
    auto state = at(5, 0, 1);
    state.retried = 3;
    state.seconds_left = 440;
    EXPECT_THAT(describe_progress(state, {}), testing::EndsWith("1 failed  3 retried  7 min 20 s left"));
    state.stopping = true;
    EXPECT_THAT(describe_progress(state, {}), testing::EndsWith("1 failed  3 retried  stopping"));
    EXPECT_EQ(format_task_rate(35.1e6), "35.1 M tasks/s");
    EXPECT_EQ(format_task_rate(0.2), "12.0 tasks/min");
    EXPECT_EQ(format_task_rate(1.0 / 1200), "3.0 tasks/h");
}

TEST(Terminal, AloneHasAWidthToWhichTextIsCut) {
    auto const pipe = Screen::pipe();
    auto const terminal = Screen::terminal(120);
    EXPECT_EQ(text_style(terminal.fd(), xterm()).width, 120u);
    std::string const text(5000, 'x');
    EXPECT_EQ(one_line(text, text_style(pipe.fd(), xterm()).width, {}), text);
}

TEST(Terminal, CutsTextBetweenCharacters) {
    TextStyle const unicode{.unicode = true};
    EXPECT_EQ(one_line("short", 10, {}), "short");
    EXPECT_EQ(one_line("two\nlines\x1b[2J\n", 80, {}), "two lines [2J");
    EXPECT_EQ(one_line("0123456789", 8, {}), "01234...");
    EXPECT_EQ(one_line("äöüäöüäöü", 4, unicode), "äöü…");
    EXPECT_EQ(columns("äö…█"), 4u);
}

TEST(Terminal, WaitsForTheReaderOfAPipeButNotForEver) {
    auto const pipe = Screen::pipe();
    wait_until_read(pipe.fd(), 60);  // there is nothing to read
    write_all(pipe.fd(), "a line\n");
    wait_until_read(pipe.fd(), 0.01);
    std::atomic<bool> begun{false};
    std::thread reader([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        begun = true;
        (void)pipe.take();
    });
    wait_until_read(pipe.fd(), 60);
    EXPECT_TRUE(begun);
    reader.join();
    auto const terminal = Screen::terminal(80);
    write_all(terminal.fd(), "a line\n");
    wait_until_read(terminal.fd(), 60);  // no pipe
}

TEST(Terminal, BarsFillInProportion) {
    TextStyle const unicode{.unicode = true};
    EXPECT_EQ(bar(0.5, 10, {}), "#####-----");
    EXPECT_EQ(bar(0, 4, unicode), "░░░░");
    EXPECT_EQ(bar(0.625, 4, unicode), "██▌░");
    for (double share : {-1.0, 0.0, 0.01, 0.33, 0.999, 1.0, 7.0, std::nan("")}) {
        EXPECT_EQ(columns(bar(share, 20, unicode)), 20u) << share;
        EXPECT_EQ(columns(bar(share, 20, {})), 20u) << share;
    }
}

}  // namespace
}  // namespace plenum::app
