// Futures: results of single calls that arrive later, and waiting for many of them.
#pragma once

#include <chrono>
#include <concepts>
#include <exception>
#include <memory>
#include <plenum/detail/decode_result.hpp>
#include <plenum/detail/future_state.hpp>
#include <ranges>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace plenum {

using Seconds = std::chrono::duration<double>;

/// The result of one call, now or later. Copies mean the same result. Dropping it neither waits nor cancels: the
/// task runs, its result is forgotten. Functions are thread-safe; nothing travels, except that cancel() asks the
/// scheduler.
template <class T>
class Future {
public:
    using value_type = T;

    Future() = default;
    /// Its result arrives as bytes.
    [[nodiscard]] static Future of_bytes(std::shared_ptr<detail::FutureState> state) noexcept {
        Future future(std::move(state));
        if constexpr (!std::is_void_v<T>) future.decode_ = &detail::decode_result<T>;
        return future;
    }
    /// Its result is a value of this process, which need not travel.
    [[nodiscard]] static Future of_value(std::shared_ptr<detail::FutureState> state) noexcept {
        return Future(std::move(state));
    }

    /// False: made by the default constructor; only assignment is allowed then.
    [[nodiscard]] bool valid() const noexcept { return state_ != nullptr; }
    /// Waits. Returns the result (decoded at each call), or throws the TaskError of the call, or CancelledError.
    [[nodiscard]] T get() const {
        state_->wait(std::nullopt);
        return value();
    }
    /// The same; throws TimeoutError when there is no result after `timeout`. The task goes on.
    [[nodiscard]] T get(Seconds timeout) const {
        if (!wait(timeout))
            throw TimeoutError("no result after " + std::to_string(timeout.count()) +
                               " s (the task has not ended); wait longer, or cancel it");
        return value();
    }
    void wait() const { state_->wait(std::nullopt); }
    /// True: it has ended, with a result, an error or cancelled.
    [[nodiscard]] bool wait(Seconds timeout) const { return state_->wait(detail::deadline_in(timeout)); }
    [[nodiscard]] bool ready() const { return state_->phase() != Phase::pending; }
    /// True: the call has a result.
    [[nodiscard]] bool successful() const { return state_->phase() == Phase::done; }
    /// Drops the call when it is still queued on rank 0: then it never runs, and get() throws CancelledError.
    /// False: it has been handed to a node, or has ended. Cost: two locks.
    bool cancel() const { return state_->cancel(); }
    [[nodiscard]] bool cancelled() const { return state_->phase() == Phase::cancelled; }
    /// Waits. The error of the call, null when it succeeded.
    [[nodiscard]] std::exception_ptr exception() const {
        state_->wait(std::nullopt);
        if (cancelled()) return std::make_exception_ptr(cancelled_error());
        return state_->error();
    }

    /// A future of `next(result)`, which runs on the pool's callback thread when the result is there. An error of the
    /// call passes on to the new future; `next` does not run then. A callback that waits for that future throws
    /// UsageError. `next` stays on rank 0: it may capture anything,
    /// may submit() and map_async(), and must not block for long: callbacks run one after the other.
    template <std::invocable<T> Next>
    auto then(Next next) const {
        using U = std::invoke_result_t<Next&, T>;
        using Stored = std::conditional_t<std::is_void_v<U>, char, U>;
        auto result = state_->follow_up();
        on_done([result, next = std::move(next)](Future const& self) mutable {
            try {
                if constexpr (std::is_void_v<U>) {
                    next(self.get());
                    result->set_value(std::make_shared<char>());
                } else {
                    result->set_value(std::make_shared<Stored>(next(self.get())));
                }
            } catch (CancelledError const&) {
                result->set_cancelled();
            } catch (...) {
                result->set_error(std::current_exception());
            }
        });
        return Future<Stored>::of_value(std::move(result));
    }
    /// Calls `callback(future)` on the pool's callback thread when the call has ended, whatever its end. What the
    /// callback throws is printed as a warning and goes no further.
    template <std::invocable<Future const&> Callback>
    void on_done(Callback callback) const {
        auto const run = std::make_shared<Callback>(std::move(callback));
        state_->then([self = *this, run] {
            self.state_->call_back([self, run] { (*run)(self); });
        });
    }

    [[nodiscard]] std::shared_ptr<detail::FutureState> const& state() const noexcept { return state_; }

private:
    using Phase = detail::FutureState::Phase;
    explicit Future(std::shared_ptr<detail::FutureState> state) noexcept : state_(std::move(state)) {}

    [[nodiscard]] static CancelledError cancelled_error() {
        return CancelledError("the call was cancelled (it never ran); do not ask for its result");
    }
    [[nodiscard]] T value() const {
        if (state_->phase() == Phase::cancelled) throw cancelled_error();
        if (state_->error()) std::rethrow_exception(state_->error());
        if constexpr (!std::is_void_v<T>) {
            if (decode_ != nullptr) return decode_(state_->bytes());
            if constexpr (std::is_copy_constructible_v<T>) return *static_cast<T const*>(state_->value());
            throw std::logic_error("a value that cannot be copied was asked for");
        }
    }

    std::shared_ptr<detail::FutureState> state_;
    T (*decode_)(ByteView) = nullptr;
};

/// When wait() returns.
enum class WaitFor { first_completed, first_exception, all };

/// Numbers of the futures that have ended, in the order in which they did, and of the others.
struct Waited {
    std::vector<std::size_t> done, not_done;
};

namespace detail {

template <class Futures>
concept FutureRange = std::ranges::sized_range<Futures> && std::ranges::random_access_range<Futures> &&
                      requires(Futures const& futures) { futures[0].state(); };

template <FutureRange Futures>
[[nodiscard]] std::shared_ptr<Watch> watch_all(Futures const& futures) {
    auto watch = std::make_shared<Watch>();
    for (std::size_t i = 0; i < std::ranges::size(futures); ++i) futures[i].state()->watch(watch, i);
    return watch;
}

}  // namespace detail

/// Waits until as many of the futures have ended as `until` says, or `timeout` has passed (no error). With
/// first_exception: until one has failed or all have ended. O(number of futures).
template <detail::FutureRange Futures>
[[nodiscard]] Waited wait(Futures const& futures, WaitFor until = WaitFor::all,
                          Seconds timeout = Seconds(std::numeric_limits<double>::infinity())) {
    auto const count = static_cast<std::size_t>(std::ranges::size(futures));
    auto const watch = detail::watch_all(futures);
    Waited waited;
    std::vector<bool> is_done(count);
    {
        std::unique_lock lock(detail::completions().mutex);
        detail::completions().wait(lock, detail::deadline_in(timeout), [&] {
            auto const ready = watch->ready.size();
            return ready == count || (until == WaitFor::first_completed && ready > 0) ||
                   (until == WaitFor::first_exception && watch->failed > 0);
        });
        waited.done.assign(watch->ready.begin(), watch->ready.end());
    }
    for (auto const i : waited.done) is_done[i] = true;
    for (std::size_t i = 0; i < count; ++i)
        if (!is_done[i]) waited.not_done.push_back(i);
    return waited;
}

/// The futures as they end: `for (auto const& future : as_completed(futures))`. Keeps a copy of each. The step to the
/// next one waits; it throws TimeoutError when `timeout`, counted from the call, has passed.
template <class T>
class AsCompleted {
public:
    AsCompleted(std::vector<Future<T>> futures, detail::Deadline deadline)
        : futures_(std::move(futures)), deadline_(deadline), watch_(detail::watch_all(futures_)) {}

    class Iterator {
    public:
        using value_type = Future<T>;
        using difference_type = std::ptrdiff_t;
        using iterator_concept = std::input_iterator_tag;
        explicit Iterator(AsCompleted& all) : all_(&all) { next(); }
        [[nodiscard]] Future<T> const& operator*() const { return all_->futures_[at_]; }
        Iterator& operator++() {
            next();
            return *this;
        }
        void operator++(int) { next(); }
        bool operator==(std::default_sentinel_t) const noexcept { return at_ == SIZE_MAX; }

    private:
        void next() { at_ = all_->next(); }
        AsCompleted* all_;
        std::size_t at_ = SIZE_MAX;
    };
    [[nodiscard]] Iterator begin() { return Iterator(*this); }
    [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

private:
    [[nodiscard]] std::size_t next() {
        if (given_ == futures_.size()) return SIZE_MAX;
        std::unique_lock lock(detail::completions().mutex);
        if (!detail::completions().wait(lock, deadline_, [this] { return !watch_->ready.empty(); }))
            throw TimeoutError(std::to_string(futures_.size() - given_) + " of " + std::to_string(futures_.size()) +
                               " calls have not ended (the time is over); wait longer, or cancel them");
        auto const number = watch_->ready.front();
        watch_->ready.pop_front();
        ++given_;
        return number;
    }

    std::vector<Future<T>> futures_;
    detail::Deadline deadline_;
    std::shared_ptr<detail::Watch> watch_;
    std::size_t given_ = 0;
};

template <detail::FutureRange Futures>
[[nodiscard]] auto as_completed(Futures const& futures,
                                Seconds timeout = Seconds(std::numeric_limits<double>::infinity())) {
    using T = typename std::ranges::range_value_t<Futures>::value_type;
    return AsCompleted<T>(std::vector<Future<T>>(std::ranges::begin(futures), std::ranges::end(futures)),
                          detail::deadline_in(timeout));
}

}  // namespace plenum
