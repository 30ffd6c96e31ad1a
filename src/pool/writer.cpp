#include "pool/writer.hpp"

#include <future>
#include <memory>

#include "base/clock.hpp"

namespace plenum::pool {

Writer::Writer() : thread_([this] { loop(); }) {}

Writer::~Writer() {
    {
        std::lock_guard const lock(mutex_);
        closing_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void Writer::push(Item item) {
    backlog_ += item.bytes;
    {
        std::lock_guard const lock(mutex_);
        queue_.push_back(std::move(item));
    }
    wake_.notify_one();
}

void Writer::post(std::uint64_t bytes, std::function<void()> work) {
    push({bytes, [work = std::move(work)](std::exception_ptr const&) { work(); }, false});
}

void Writer::post_always(std::function<void(std::exception_ptr)> work) {
    push({0, std::move(work), true});
}

void Writer::run(std::function<void()> work) {
    auto const result = std::make_shared<std::promise<void>>();
    auto future = result->get_future();
    post_always([result, work = std::move(work)](std::exception_ptr error) {
        try {
            if (error) std::rethrow_exception(error);
            work();
            result->set_value();
        } catch (...) {
            result->set_exception(std::current_exception());
        }
    });
    future.get();
}

void Writer::loop() {
    for (;;) {
        Item item;
        {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [this] { return closing_ || !queue_.empty(); });
            if (queue_.empty()) return;
            item = std::move(queue_.front());
            queue_.pop_front();
        }
        auto const start = base::now_ns();
        try {
            if (!error_ || item.always) item.work(error_);
        } catch (...) {
            error_ = std::current_exception();
            broken_ = true;
        }
        item.work = nullptr;  // lets go of what it held
        busy_ns_ += base::now_ns() - start;
        backlog_ -= item.bytes;
    }
}

}  // namespace plenum::pool
