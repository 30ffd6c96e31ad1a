// The thread on which callbacks of the body run, one after the other, so that they keep nobody from
// scheduling.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace plenum::pool {

class CallbackThread {
public:
    /// `complain` gets one line when a callback has thrown.
    explicit CallbackThread(std::function<void(std::string const&)> complain)
        : complain_(std::move(complain)) {}
    CallbackThread(CallbackThread const&) = delete;
    CallbackThread& operator=(CallbackThread const&) = delete;
    /// Runs what is queued, then ends.
    ~CallbackThread();

    /// The thread starts with the first.
    void post(std::function<void()> callback);
    /// Waits until everything queued has run, also what callbacks queue meanwhile.
    void drain();

private:
    void loop();

    std::function<void(std::string const&)> complain_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<void()>> queue_;
    bool runs_ = false, closing_ = false;
    std::thread thread_;
};

}  // namespace plenum::pool
