#include "base/interrupt.hpp"

#include <atomic>

namespace plenum::base {
namespace {

std::atomic<int> noted_signal{0};  // all that a handler may touch
std::atomic<int> noted_count{0};
static_assert(std::atomic<int>::is_always_lock_free);

void note(int signal) {
    noted_signal.store(signal);
    noted_count.fetch_add(1);
}

}  // namespace

InterruptNote::InterruptNote() {
    noted_signal = 0;
    noted_count = 0;
    for (std::size_t i = 0; i < signals_.size(); ++i) {
        struct sigaction action {};
        if (::sigaction(signals_[i], nullptr, &action) != 0 || (action.sa_flags & SA_SIGINFO) != 0 ||
            action.sa_handler != SIG_DFL)
            continue;
        action = {};
        action.sa_handler = &note;
        action.sa_flags = SA_RESTART;
        noted_[i] = ::sigaction(signals_[i], &action, nullptr) == 0;
    }
}

InterruptNote::~InterruptNote() {
    for (std::size_t i = 0; i < signals_.size(); ++i)
        if (noted_[i]) std::signal(signals_[i], SIG_DFL);
}

int InterruptNote::count() noexcept {
    return noted_count.load();
}

int InterruptNote::signal() const noexcept {
    return noted_signal.load();
}

}  // namespace plenum::base
