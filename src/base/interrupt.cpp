#include "base/interrupt.hpp"

#include <unistd.h>

#include <atomic>
#include <plenum/error.hpp>

namespace plenum::base {
namespace {

std::atomic<int> noted_signal{0};  // all that a handler may touch
std::atomic<int> noted_count{0};
std::atomic<std::atomic<std::uint32_t>*> told_word{nullptr};
static_assert(std::atomic<int>::is_always_lock_free && decltype(told_word)::is_always_lock_free);

std::atomic<bool> noted_drain{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void note(int signal) {
    if (auto* const told = told_word.load()) told->store(1);
    auto const before = noted_signal.exchange(signal);
    noted_count.fetch_add(1);
    if (signal == SIGINT && before == SIGINT) ::_exit(static_cast<int>(ExitCode::incomplete));
}

std::atomic<int> leaving_code{0};

void leave(int) {
    ::_exit(leaving_code.load());
}

void note_drain(int) {
    noted_drain.store(true);
}

/// True: `handler` takes the place of the default action.
bool take_over(int signal, void (*handler)(int)) {
    struct sigaction action {};
    if (::sigaction(signal, nullptr, &action) != 0 || (action.sa_flags & SA_SIGINFO) != 0 ||
        action.sa_handler != SIG_DFL)
        return false;
    action = {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    return ::sigaction(signal, &action, nullptr) == 0;
}

}  // namespace

DrainNote::DrainNote() {
    noted_drain = false;
    noted_ = take_over(SIGUSR1, &note_drain);
}

DrainNote::~DrainNote() {
    if (noted_) std::signal(SIGUSR1, SIG_DFL);
}

bool drain_requested() noexcept {
    return noted_drain.load();
}

InterruptNote::InterruptNote(std::atomic<std::uint32_t>* told) {
    noted_signal = 0;
    noted_count = 0;
    told_word = told;
    for (std::size_t i = 0; i < signals_.size(); ++i) noted_[i] = take_over(signals_[i], &note);
}

InterruptNote::~InterruptNote() {
    for (std::size_t i = 0; i < signals_.size(); ++i)
        if (noted_[i]) std::signal(signals_[i], SIG_DFL);
    told_word = nullptr;
}

int InterruptNote::count() noexcept {
    return noted_count.load();
}

int InterruptNote::signal() const noexcept {
    return noted_signal.load();
}

LeaveNote::LeaveNote(int exit_code) {
    leaving_code = exit_code;
    std::signal(SIGTERM, &leave);
    if (InterruptNote::count() == 0) return;
    std::signal(SIGALRM, &leave);
    ::ualarm(250'000, 0);
}

LeaveNote::~LeaveNote() {
    if (InterruptNote::count() == 0) return;
    ::ualarm(0, 0);
    std::signal(SIGALRM, SIG_DFL);
}

}  // namespace plenum::base
