// What a future and whoever fulfils it share.
#pragma once

#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <plenum/codec.hpp>
#include <plenum/detail/completion.hpp>
#include <plenum/error.hpp>
#include <utility>
#include <vector>

namespace plenum::detail {

/// Collects the numbers of futures as they complete. Guarded by completions().mutex.
struct Watch {
    std::deque<std::size_t> ready;
    std::size_t failed = 0;
};

/// Set once by whoever fulfils it; read by any thread.
class FutureState : public std::enable_shared_from_this<FutureState> {
public:
    enum class Phase : std::uint8_t { pending, done, failed, cancelled };

    FutureState() = default;
    FutureState(FutureState const&) = delete;
    FutureState& operator=(FutureState const&) = delete;
    virtual ~FutureState() = default;

    /// Results of many futures at once: set each under one lock, then wake().
    using Lock = std::lock_guard<std::mutex>;
    void set_bytes(Lock const&, Bytes bytes) {
        if (phase_ != Phase::pending) return;
        bytes_ = std::move(bytes);
        settle(Phase::done);
    }
    void set_error(Lock const&, std::exception_ptr error) {
        if (phase_ != Phase::pending) return;
        error_ = std::move(error);
        settle(Phase::failed);
    }
    /// Runs what waits for this future; without the lock.
    void wake() {
        completions().changed.notify_all();
        run_next();
    }
    void run_next() {
        std::vector<std::function<void()>> next;
        {
            Lock const lock(completions().mutex);
            next.swap(next_);
        }
        for (auto const& run : next) run();
    }

    void set_value(std::shared_ptr<void> value) {
        {
            Lock const lock(completions().mutex);
            if (phase_ != Phase::pending) return;
            value_ = std::move(value);
            settle(Phase::done);
        }
        wake();
    }
    void set_bytes(Bytes bytes) {
        {
            Lock const lock(completions().mutex);
            set_bytes(lock, std::move(bytes));
        }
        wake();
    }
    void set_error(std::exception_ptr error) {
        {
            Lock const lock(completions().mutex);
            set_error(lock, std::move(error));
        }
        wake();
    }
    void set_cancelled() {
        {
            Lock const lock(completions().mutex);
            settle(Phase::cancelled);
        }
        wake();
    }

    [[nodiscard]] Phase phase() const {
        Lock const lock(completions().mutex);
        return phase_;
    }
    virtual bool wait(Deadline deadline) const {
        std::unique_lock lock(completions().mutex);
        return completions().wait(lock, deadline, [this] { return phase_ != Phase::pending; });
    }
    /// After the end. The bytes and the value stay as they are from then on.
    [[nodiscard]] std::exception_ptr const& error() const noexcept { return error_; }
    [[nodiscard]] Bytes const& bytes() const noexcept { return bytes_; }
    [[nodiscard]] void* value() const noexcept { return value_.get(); }

    /// Runs `next` when this has ended, on the thread that ends it; at once when it has.
    virtual void then(std::function<void()> next) {
        {
            Lock const lock(completions().mutex);
            if (phase_ == Phase::pending) {
                next_.push_back(std::move(next));
                return;
            }
        }
        next();
    }
    virtual void watch(std::shared_ptr<Watch> const& by, std::size_t number) {
        Lock const lock(completions().mutex);
        if (phase_ == Phase::pending)
            watches_.emplace_back(by, number);
        else
            note(*by, number);
    }

    /// Tries to keep the task from running. True: it never runs, and this is cancelled.
    [[nodiscard]] virtual bool cancel() { return false; }
    /// Runs `work` where callbacks run.
    virtual void call_back(std::function<void()> work) = 0;
    /// A new state that a callback of this one will end.
    [[nodiscard]] virtual std::shared_ptr<FutureState> follow_up() const = 0;

private:
    void settle(Phase phase) {
        if (phase_ != Phase::pending) return;
        phase_ = phase;
        for (auto const& [watch, number] : watches_) note(*watch, number);
        watches_.clear();
    }
    void note(Watch& by, std::size_t number) const {
        by.ready.push_back(number);
        if (phase_ == Phase::failed) ++by.failed;
    }

    Phase phase_ = Phase::pending;
    Bytes bytes_;
    std::shared_ptr<void> value_;
    std::exception_ptr error_;
    std::vector<std::function<void()>> next_;
    std::vector<std::pair<std::shared_ptr<Watch>, std::size_t>> watches_;
};

/// Ended by a callback. `run` is what runs callbacks.
class FollowUp : public FutureState {
public:
    using Run = std::function<void(std::function<void()>)>;
    explicit FollowUp(Run run) : run_(std::move(run)) {}
    bool wait(Deadline deadline) const override {
        if (!deadline && runs_callbacks() && phase() == Phase::pending)
            throw UsageError(
                "a callback waits for the future of another callback, which runs after it (callbacks run one after the "
                "other); use then() on that future");
        return FutureState::wait(deadline);
    }
    void call_back(std::function<void()> work) override { run_(std::move(work)); }
    [[nodiscard]] std::shared_ptr<FutureState> follow_up() const override { return std::make_shared<FollowUp>(run_); }

private:
    Run run_;
};

}  // namespace plenum::detail
