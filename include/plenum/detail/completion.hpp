// What a thread of this process waits for: the end of a batch, the result of a future.
#pragma once

#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace plenum::detail {

using Deadline = std::optional<std::chrono::steady_clock::time_point>;

[[nodiscard]] inline Deadline deadline_in(std::chrono::duration<double> timeout) {
    // A wait of more than a year is a wait without end, and does not overflow the clock.
    if (!(timeout < std::chrono::hours(24 * 365))) return std::nullopt;
    return std::chrono::steady_clock::now() +
           std::chrono::duration_cast<std::chrono::steady_clock::duration>(timeout);
}

/// One lock and one condition for everything that completes: whoever waits for the first of many needs no more.
struct Completions {
    std::mutex mutex;
    std::condition_variable changed;

    /// Waits until `ready()`, called under the lock. False: the deadline has passed.
    template <class Ready>
    bool wait(std::unique_lock<std::mutex>& lock, Deadline deadline, Ready ready) {
        if (!deadline) {
            changed.wait(lock, ready);
            return true;
        }
        return changed.wait_until(lock, *deadline, ready);
    }
};

/// Of this process.
[[nodiscard]] Completions& completions() noexcept;

/// This thread runs callbacks, one after the other; set by the thread itself.
[[nodiscard]] bool& runs_callbacks() noexcept;

/// Ends once, with or without an error. Thread-safe.
class Completion {
public:
    using Continuation = std::function<void()>;

    /// Wakes who waits, then runs the continuations.
    void end(std::exception_ptr error) {
        std::vector<Continuation> next;
        {
            std::lock_guard const lock(completions().mutex);
            if (ended_) return;
            ended_ = true;
            error_ = std::move(error);
            next.swap(next_);
        }
        completions().changed.notify_all();
        for (auto const& run : next) run();
    }
    [[nodiscard]] bool ended() const {
        std::lock_guard const lock(completions().mutex);
        return ended_;
    }
    /// True: it has ended.
    bool wait(Deadline deadline = std::nullopt) const {
        std::unique_lock lock(completions().mutex);
        return completions().wait(lock, deadline, [this] { return ended_; });
    }
    /// After the end: throws the error it ended with.
    void check() const {
        std::lock_guard const lock(completions().mutex);
        if (error_) std::rethrow_exception(error_);
    }
    /// Runs `next` at the end, on the thread that ends it; at once when it has ended.
    void then(Continuation next) {
        {
            std::lock_guard const lock(completions().mutex);
            if (!ended_) {
                next_.push_back(std::move(next));
                return;
            }
        }
        next();
    }

private:
    bool ended_ = false;
    std::exception_ptr error_;
    std::vector<Continuation> next_;
};

}  // namespace plenum::detail
