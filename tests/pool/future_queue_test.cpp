// Calls, their ends, cancellation and callbacks from many threads, over a stream that this test plays.
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <plenum/detail/future_queue.hpp>
#include <plenum/future.hpp>
#include <random>
#include <thread>
#include <vector>

#include "pool/callback_thread.hpp"

namespace plenum::pool {
namespace {

/// Takes calls in order and ends each with the bytes it came with; as in the engine, under a lock that append() and
/// drop() take too.
class EchoStream : public detail::Stream {
public:
    explicit EchoStream(detail::StreamReceiver& receiver) : receiver_(receiver), thread_([this] { loop(); }) {}
    EchoStream(EchoStream const&) = delete;
    EchoStream& operator=(EchoStream const&) = delete;
    ~EchoStream() override {
        seal();
        thread_.join();
    }
    void append(std::uint64_t count, ByteView items, std::span<std::uint64_t const>) override {
        std::lock_guard const lock(mutex_);
        if (sealed_) throw CancelledError("no more");
        ASSERT_EQ(count, 1u);
        queued_.push_back({next_++, Bytes(items.begin(), items.end())});
        changed_.notify_all();
    }
    void resume() override {}
    void seal() override {
        std::lock_guard const lock(mutex_);
        sealed_ = true;
        changed_.notify_all();
    }
    void cancel() override {
        std::lock_guard const lock(mutex_);
        queued_.clear();
        sealed_ = true;
        changed_.notify_all();
    }
    bool drop(std::uint64_t task) override {
        std::lock_guard const lock(mutex_);
        return std::erase_if(queued_, [task](auto const& call) { return call.task == task; }) > 0;
    }

private:
    struct Call {
        std::uint64_t task;
        Bytes bytes;
    };
    void loop() {
        std::unique_lock lock(mutex_);
        for (;;) {
            changed_.wait(lock, [this] { return sealed_ || !queued_.empty(); });
            if (queued_.empty()) break;
            auto call = std::move(queued_.front());
            queued_.pop_front();
            auto const size = call.bytes.size();
            receiver_.deliver({.first = call.task, .count = 1, .bytes = std::move(call.bytes), .lengths = {size}});
            lock.unlock();
            std::this_thread::yield();
            lock.lock();
        }
        lock.unlock();
        receiver_.ended(nullptr);
    }

    detail::StreamReceiver& receiver_;  // owns this
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Call> queued_;
    std::uint64_t next_ = 0;
    bool sealed_ = false;
    std::thread thread_;
};

/// Only what a queue of futures asks for.
class EchoCore : public detail::PoolCore {
public:
    std::unique_ptr<detail::Stream> open_stream(detail::BatchRequest,
                                                std::shared_ptr<detail::StreamReceiver> receiver) override {
        auto stream = std::make_unique<EchoStream>(*receiver);
        stream_ = stream.get();
        return stream;
    }
    void call_back(std::function<void()> work) override { callbacks_.post(std::move(work)); }
    void cancel_all() override { stream_->cancel(); }
    void drain() { callbacks_.drain(); }

    detail::RunningBatch start(detail::BatchRequest) override { throw std::logic_error("not here"); }
    std::shared_ptr<detail::FutureQueue> future_queue(detail::BatchRequest const&) override { return nullptr; }
    int executors() const noexcept override { return 1; }
    std::uint64_t place_array(std::uint64_t) override { throw std::logic_error("not here"); }
    std::uint64_t place_copy(ByteView) override { throw std::logic_error("not here"); }
    void publish_array(std::uint64_t, std::uint64_t) override {}
    void free_array(std::uint64_t) noexcept override {}
    std::pair<ElementType, Shape> dataset_info(std::string const&, std::string const&) override {
        throw std::logic_error("not here");
    }
    void read_dataset(std::string const&, std::string const&, ElementType, std::span<std::byte>) override {}
    std::vector<detail::ExitRecord> take_exit_records(std::uint64_t) override { return {}; }
    int ranks() const noexcept override { return 1; }
    int nodes() const noexcept override { return 1; }

private:
    detail::Stream* stream_ = nullptr;
    CallbackThread callbacks_{[](std::string const&) {}};
};

Future<std::uint64_t> call(detail::FutureQueue& queue, std::uint64_t value) {
    Bytes item(sizeof value);
    std::memcpy(item.data(), &value, sizeof value);
    return Future<std::uint64_t>::of_bytes(queue.submit(item));
}

TEST(FutureQueue, EachCallEndsOnceWhoeverSubmitsAndCancels) {
    EchoCore core;
    auto const queue = std::make_shared<detail::FutureQueue>(core);
    queue->open({});
    std::atomic<std::uint64_t> ended{0}, called_back{0}, wrong{0};
    {
        std::vector<std::jthread> threads;
        for (std::uint64_t t = 0; t < 4; ++t)
            threads.emplace_back([&, t] {
                std::mt19937 random(static_cast<unsigned>(t));
                for (std::uint64_t i = 0; i < 1'000; ++i) {
                    auto const future = call(*queue, i);
                    future.on_done([&called_back](auto const&) { ++called_back; });
                    bool const dropped = random() % 3 == 0 && future.cancel();
                    auto const next = future.then([](std::uint64_t x) { return x + 1; });
                    next.wait();
                    ++ended;
                    wrong += dropped ? (next.cancelled() ? 0 : 1) : (next.get() == i + 1 ? 0 : 1);
                }
            });
    }
    core.drain();
    EXPECT_EQ(ended, 4'000u);
    EXPECT_EQ(called_back, 4'000u);
    EXPECT_EQ(wrong, 0u);
    queue->seal();
    queue->wait();
}

TEST(FutureQueue, CancelledWhileOthersSubmitAndDrop) {
    for (unsigned round = 0; round < 100; ++round) {
        EchoCore core;
        auto const queue = std::make_shared<detail::FutureQueue>(core);
        queue->open({});
        std::atomic<std::uint64_t> ended{0};
        {
            std::vector<std::jthread> threads;
            for (int t = 0; t < 3; ++t)
                threads.emplace_back([&] {
                    std::vector<Future<std::uint64_t>> futures;
                    for (std::uint64_t i = 0; i < 30; ++i) futures.push_back(call(*queue, i));
                    for (auto i = futures.rbegin(); i != futures.rend(); ++i) (void)i->cancel();
                    for (auto const& future : futures) {
                        future.wait();
                        ended += future.cancelled() || future.successful() ? 1 : 0;
                    }
                });
            threads.emplace_back([&] {
                for (unsigned i = 0; i < round; ++i) std::this_thread::yield();
                core.cancel_all();
            });
        }
        EXPECT_EQ(ended, 90u);
        queue->wait();
    }
}

}  // namespace
}  // namespace plenum::pool
