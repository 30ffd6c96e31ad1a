// Ctrl-C and requests to end, as a note that a loop finds in place of the end of the process.
#pragma once

#include <array>
#include <csignal>

namespace plenum::base {

/// While it lives, SIGINT, SIGTERM and SIGHUP are noted where they would have ended the process; an action
/// that the program has chosen, and nohup's, stay. At most one at a time. Forked children note too, until
/// they choose.
class InterruptNote {
public:
    InterruptNote();
    InterruptNote(InterruptNote const&) = delete;
    InterruptNote& operator=(InterruptNote const&) = delete;
    InterruptNote(InterruptNote&&) = delete;
    InterruptNote& operator=(InterruptNote&&) = delete;
    ~InterruptNote();

    /// The last signal that was noted; 0: none. Thread-safe.
    [[nodiscard]] int signal() const noexcept;
    /// How many were noted.
    [[nodiscard]] static int count() noexcept;

private:
    static constexpr std::array signals_{SIGINT, SIGTERM, SIGHUP};
    std::array<bool, signals_.size()> noted_{};
};

}  // namespace plenum::base
