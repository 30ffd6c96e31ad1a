#include "pool/writer.hpp"

#include <chrono>
#include <future>
#include <limits>
#include <memory>

#include "base/clock.hpp"

namespace plenum::pool {
namespace {

constexpr auto never = std::numeric_limits<std::uint64_t>::max();

}  // namespace

Writer::Writer(std::function<std::uint64_t()> tick) : tick_(std::move(tick)), thread_([this] { loop(); }) {}

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

bool Writer::end_within(double seconds, std::function<void()> last, std::function<bool()> const& hurry) {
    auto const deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    auto const done = std::make_shared<std::promise<void>>();
    auto future = done->get_future();
    {
        std::lock_guard const lock(mutex_);
        drop_ns_ = base::now_ns() + static_cast<std::uint64_t>(seconds * 0.5e9);
    }
    push({0,
          [this, done, last = std::move(last)](std::exception_ptr const&) {
              try {
                  last();
              } catch (...) {
                  // Whatever went wrong before is what the user hears of.
              }
              std::lock_guard const lock(mutex_);
              ended_ = true;
              done->set_value();
          },
          true});
    for (;;) {
        auto const now = std::chrono::steady_clock::now();
        if (future.wait_for(std::chrono::milliseconds(20)) == std::future_status::ready) return true;
        if (now >= deadline || (hurry && hurry())) return false;
    }
}

void Writer::tick() {
    due_ns_ = never;
    if (!tick_ || error_ || has_ended()) return;
    auto const start = base::now_ns();
    try {
        if (auto const pause = tick_(); pause < never - start) due_ns_ = start + pause;
    } catch (...) {
        error_ = std::current_exception();
        broken_ = true;
    }
    busy_ns_ += base::now_ns() - start;
}

std::optional<Writer::Item> Writer::next() {
    std::unique_lock lock(mutex_);
    auto const has_work = [this] { return closing_ || !queue_.empty(); };
    if (due_ns_ == never) {
        wake_.wait(lock, has_work);
    } else if (auto const now = base::now_ns(); now < due_ns_) {
        wake_.wait_for(lock, std::chrono::nanoseconds(due_ns_ - now), has_work);
    }
    if (queue_.empty()) return std::nullopt;
    auto item = std::move(queue_.front());
    queue_.pop_front();
    bool const is_dropped = ended_ || (drop_ns_ != 0 && base::now_ns() > drop_ns_ && !item.always);
    if (is_dropped) {
        backlog_ -= item.bytes;
        item.work = nullptr;
        item.bytes = 0;
    }
    return item;
}

void Writer::loop() {
    for (;;) {
        auto next_item = next();
        if (!next_item) {
            {
                std::lock_guard const lock(mutex_);
                if (closing_ && queue_.empty()) return;
            }
            tick();
            continue;
        }
        auto& item = *next_item;
        if (!item.work) continue;
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
        tick();
    }
}

bool Writer::has_ended() {
    std::lock_guard const lock(mutex_);
    return ended_;
}

}  // namespace plenum::pool
