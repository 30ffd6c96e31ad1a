#include "pool/callback_thread.hpp"

#include <exception>
#include <plenum/detail/completion.hpp>

namespace plenum::pool {

CallbackThread::~CallbackThread() {
    {
        std::lock_guard const lock(mutex_);
        closing_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void CallbackThread::post(std::function<void()> callback) {
    {
        std::lock_guard const lock(mutex_);
        queue_.push_back(std::move(callback));
        if (!thread_.joinable()) thread_ = std::thread([this] { loop(); });
    }
    changed_.notify_all();
}

void CallbackThread::drain() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return queue_.empty() && !runs_; });
}

void CallbackThread::loop() {
    detail::runs_callbacks() = true;
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return closing_ || !queue_.empty(); });
        if (queue_.empty()) return;
        auto callback = std::move(queue_.front());
        queue_.pop_front();
        runs_ = true;
        lock.unlock();
        try {
            callback();
        } catch (std::exception const& error) {
            complain_(std::string("a callback failed (") + error.what() + "); the run goes on without it");
        } catch (...) {
            complain_(
                "a callback failed with an exception that is not derived from std::exception; the run goes "
                "on");
        }
        callback = nullptr;  // what it holds goes before others see it ended
        lock.lock();
        runs_ = false;
        changed_.notify_all();
    }
}

}  // namespace plenum::pool
