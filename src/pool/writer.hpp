// A thread that does slow things in order, so that scheduling on rank 0 never waits for a disk.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

namespace plenum::pool {

class Writer {
public:
    Writer();
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

    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Item> queue_;
    bool closing_ = false;
    std::exception_ptr error_;  // used by the thread only
    std::atomic<std::uint64_t> backlog_{0}, busy_ns_{0};
    std::atomic<bool> broken_{false};
    std::thread thread_;
};

}  // namespace plenum::pool
