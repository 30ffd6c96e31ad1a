// The reading side of a stream: deliveries in the order of the tasks or as they come.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <plenum/detail/completion.hpp>
#include <plenum/detail/pool_core.hpp>
#include <utility>

namespace plenum::detail {

/// What the engine's thread puts down and the body's thread takes up.
class DeliveryQueue : public StreamReceiver {
public:
    void deliver(Delivery delivery) override {
        bytes_ += delivery.bytes.size();
        {
            std::lock_guard const lock(completions().mutex);
            ready_.push_back(std::move(delivery));
        }
        completions().changed.notify_all();
    }
    bool full() const noexcept override { return bytes_ > most_bytes; }
    /// The reader has them. True: this is no longer full.
    [[nodiscard]] bool read(std::uint64_t bytes) noexcept {
        auto const before = bytes_.fetch_sub(bytes);
        return before > most_bytes && before - bytes <= most_bytes;
    }
    void ended(std::exception_ptr error) override {
        {
            std::lock_guard const lock(completions().mutex);
            ended_ = true;
            error_ = std::move(error);
        }
        completions().changed.notify_all();
    }
    /// Everything that has come; waits for something when nothing has. Empty: the stream has ended.
    [[nodiscard]] std::deque<Delivery> take(bool wait) {
        std::unique_lock lock(completions().mutex);
        if (wait) completions().wait(lock, std::nullopt, [this] { return ended_ || !ready_.empty(); });
        if (ready_.empty() && error_) std::rethrow_exception(error_);
        return std::exchange(ready_, {});
    }

private:
    static constexpr std::uint64_t most_bytes = 64 << 20;
    std::atomic<std::uint64_t> bytes_{0};  // of results that the reader does not have yet
    std::deque<Delivery> ready_;
    bool ended_ = false;
    std::exception_ptr error_;
};

/// For one thread. Its end drops what does not run yet.
class StreamReader {
public:
    StreamReader(PoolCore& core, BatchRequest request, bool ordered)
        : queue_(std::make_shared<DeliveryQueue>()), ordered_(ordered),
          stream_(core.open_stream(std::move(request), queue_)) {}
    StreamReader(StreamReader const&) = delete;
    StreamReader& operator=(StreamReader const&) = delete;
    ~StreamReader() { stream_->cancel(); }

    void append(std::uint64_t count, ByteView items, std::span<std::uint64_t const> lengths) {
        if (count == 0) return;
        stream_->append(count, items, lengths);
        appended_ += count;
    }
    void seal() { stream_->seal(); }
    /// Tasks that were appended and not taken yet.
    [[nodiscard]] std::uint64_t in_flight() const noexcept { return appended_ - taken_; }
    /// Bytes of results that have come and were not taken yet.
    [[nodiscard]] std::uint64_t waiting_bytes() const noexcept { return waiting_bytes_; }

    /// The next results; nothing when none are there and `wait` is false, or none are due.
    [[nodiscard]] std::optional<Delivery> next(bool wait) {
        while (in_flight() > 0) {
            if (auto const first = pieces_.begin();
                first != pieces_.end() && (!ordered_ || first->first == taken_)) {
                auto delivery = std::move(first->second);
                pieces_.erase(first);
                taken_ += delivery.count;
                waiting_bytes_ -= delivery.bytes.size();
                if (queue_->read(delivery.bytes.size())) stream_->resume();
                return delivery;
            }
            auto come = queue_->take(wait);
            if (come.empty()) return std::nullopt;
            for (auto& delivery : come) {
                waiting_bytes_ += delivery.bytes.size();
                pieces_.emplace(ordered_ ? delivery.first : arrived_++, std::move(delivery));
            }
        }
        return std::nullopt;
    }

private:
    std::shared_ptr<DeliveryQueue> queue_;
    bool ordered_;
    std::unique_ptr<Stream> stream_;
    std::uint64_t appended_ = 0, taken_ = 0, arrived_ = 0, waiting_bytes_ = 0;
    std::map<std::uint64_t, Delivery> pieces_;  // by first task, or by arrival
};

}  // namespace plenum::detail
