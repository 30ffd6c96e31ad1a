// What a descriptor can show: colours, block characters, a cursor that goes back; and text cut to its width.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "app/environment.hpp"

namespace plenum::app {

/// What to use in text for people. The default is right for a file.
struct TextStyle {
    bool colour = false;                    ///< ANSI colours
    bool unicode = false;                   ///< block characters and an ellipsis; otherwise ASCII only
    std::size_t width = std::string::npos;  ///< columns; a file has any number
};

enum class Colour { red, green };

/// Whether `fd` ends at a terminal whose cursor can be moved back (TERM is set and not dumb). Under mpirun
/// that is the terminal of mpirun.
[[nodiscard]] bool is_terminal(int fd, EnvironmentLookup const& environment);
/// Colours on a terminal without NO_COLOR (https://no-color.org); characters by LC_ALL, LC_CTYPE, LANG.
[[nodiscard]] TextStyle text_style(int fd, EnvironmentLookup const& environment);
/// Columns of the terminal now; 80 where nobody says.
[[nodiscard]] std::size_t terminal_width(int fd, EnvironmentLookup const& environment);

/// `text` in a colour, where the style has colours.
[[nodiscard]] std::string coloured(std::string_view text, Colour colour, TextStyle const& style);
/// A bar of `width` columns, filled to `share` (0 to 1; clamped).
[[nodiscard]] std::string bar(double share, std::size_t width, TextStyle const& style);
/// Number of columns of UTF-8 text without colours, one for each code point.
[[nodiscard]] std::size_t columns(std::string_view text);
/// `text` as one line of at most `width` columns: control characters become spaces, what does not fit an
/// ellipsis.
[[nodiscard]] std::string one_line(std::string_view text, std::size_t width, TextStyle const& style);

/// Writes all of `text`, as far as possible; errors are ignored, because a lost terminal must not end a run.
void write_all(int fd, std::string_view text) noexcept;

/// Waits until the reader of a pipe has taken what was written into it, at most `seconds`; at once where `fd`
/// is no pipe. What is written elsewhere afterwards comes after it where a launcher joins the two.
void wait_until_read(int fd, double seconds) noexcept;

}  // namespace plenum::app
