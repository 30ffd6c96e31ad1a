// A thread that does slow things in order, so that scheduling on rank 0 never waits for a disk.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <limits>
#include <mutex>
#include <optional>
#include <thread>

namespace plenum::pool {

class Writer {
public:
    /// `tick`, which may be null, is called on the thread between pieces of work and again after the
    /// nanoseconds that it returned at the latest. What it throws counts as an error of the work before.
    explicit Writer(std::function<std::uint64_t()> tick = {});
    Writer(Writer const&) = delete;
    Writer& operator=(Writer const&) = delete;
    Writer(Writer&&) = delete;
    Writer& operator=(Writer&&) = delete;
    /// Finishes what is queued.
    ~Writer();

    /// Queues `work`, which counts as `bytes` until it is done. After a failure all later work is dropped.
    void post(std::uint64_t bytes, std::function<void()> work);
    /// Queues `work` that also runs after a failure: it gets the first error.
    void post_always(std::function<void(std::exception_ptr)> work);
    /// Runs `work` on the thread and waits; throws what it throws, or the first error of earlier work.
    void run(std::function<void()> work);
    /// For the end of the process: drops what is queued once `seconds` have gone by, then runs `last`, and
    /// nothing more ever. Returns whether that has happened in time; otherwise the thread is at work
    /// somewhere. Any thread; waits no longer when `hurry`, which may be null, says so.
    [[nodiscard]] bool end_within(double seconds, std::function<void()> last,
                                  std::function<bool()> const& hurry = {});
    [[nodiscard]] std::uint64_t backlog() const noexcept { return backlog_.load(std::memory_order_relaxed); }
    [[nodiscard]] bool broken() const noexcept { return broken_.load(std::memory_order_relaxed); }
    [[nodiscard]] double busy_seconds() const noexcept {
        return static_cast<double>(busy_ns_.load(std::memory_order_relaxed)) * 1e-9;
    }

private:
    struct Item {
        std::uint64_t bytes;
        std::function<void(std::exception_ptr)> work;
        bool always;
    };
    void push(Item item);
    void loop();
    void tick();
    /// Waits for work, or until tick() is due: then nothing. Without `work` when it was dropped.
    [[nodiscard]] std::optional<Item> next();
    [[nodiscard]] bool has_ended();

    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Item> queue_;
    bool closing_ = false;
    bool ended_ = false;         // nothing runs any more
    std::uint64_t drop_ns_ = 0;  // from when on queued work is dropped; 0: never
    std::function<std::uint64_t()> tick_;
    // Used by the thread only.
    std::exception_ptr error_;
    std::uint64_t due_ns_ = std::numeric_limits<std::uint64_t>::max();  // when tick() is to be called
    std::atomic<std::uint64_t> backlog_{0}, busy_ns_{0};
    std::atomic<bool> broken_{false};
    std::thread thread_;
};

}  // namespace plenum::pool
