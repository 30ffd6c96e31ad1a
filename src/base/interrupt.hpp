// Ctrl-C and requests to end, as a note that a loop finds in place of the end of the process.
#pragma once

#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>

namespace plenum::base {

/// While it lives, SIGUSR1 is noted where it would have ended the process; see InterruptNote. At most one at
/// a time.
class DrainNote {
public:
    DrainNote();
    DrainNote(DrainNote const&) = delete;
    DrainNote& operator=(DrainNote const&) = delete;
    DrainNote(DrainNote&&) = delete;
    DrainNote& operator=(DrainNote&&) = delete;
    ~DrainNote();

private:
    bool noted_ = false;
};

/// SIGUSR1 has come since the last DrainNote was made. Thread-safe.
[[nodiscard]] bool drain_requested() noexcept;

/// While it lives, SIGINT, SIGTERM and SIGHUP are noted where they would have ended the process; an action
/// that the program has chosen, and nohup's, stay. At most one at a time. Forked children note too, until
/// they choose.
class InterruptNote {
public:
    /// `told` (may be null; outlives this) becomes 1 with the first signal, before anything is done about it.
    explicit InterruptNote(std::atomic<std::uint32_t>* told = nullptr);
    InterruptNote(InterruptNote const&) = delete;
    InterruptNote& operator=(InterruptNote const&) = delete;
    InterruptNote(InterruptNote&&) = delete;
    InterruptNote& operator=(InterruptNote&&) = delete;
    ~InterruptNote();

    /// The last signal that was noted; 0: none. Thread-safe. A second SIGINT ends the process at once, with
    /// ExitCode::incomplete.
    [[nodiscard]] int signal() const noexcept;
    /// How many were noted.
    [[nodiscard]] static int count() noexcept;

private:
    static constexpr std::array signals_{SIGINT, SIGTERM, SIGHUP};
    std::array<bool, signals_.size()> noted_{};
};

/// For a process that has nothing left to do but to take leave of its launcher, which may be what takes for
/// ever: MPI_Finalize does not return once mpirun ends the run. From now on SIGTERM ends the process at once,
/// with `exit_code`; while this lives, it also ends after a quarter of a second when a signal has come since
/// the last InterruptNote was made.
class LeaveNote {
public:
    explicit LeaveNote(int exit_code);
    LeaveNote(LeaveNote const&) = delete;
    LeaveNote& operator=(LeaveNote const&) = delete;
    LeaveNote(LeaveNote&&) = delete;
    LeaveNote& operator=(LeaveNote&&) = delete;
    ~LeaveNote();
};

}  // namespace plenum::base
