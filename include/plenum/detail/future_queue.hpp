// The calls of one task function that submit() has put into a stream, and their futures.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <plenum/detail/future_state.hpp>
#include <plenum/detail/pool_core.hpp>

namespace plenum::detail {

/// Thread-safe.
class FutureQueue : public StreamReceiver, public std::enable_shared_from_this<FutureQueue> {
public:
    explicit FutureQueue(PoolCore& core) : core_(core) {}
    void open(BatchRequest request);

    /// One more call. `item`: its packed function and arguments. Throws when the item is too large for a node. Once the
    /// pool was cancelled: a state that is cancelled.
    [[nodiscard]] std::shared_ptr<FutureState> submit(ByteView item);
    /// No more calls. The stream ends when those it has have ended.
    void seal() { stream_->seal(); }
    /// Waits for the end of the stream.
    void wait() const { ended_.wait(); }
    [[nodiscard]] bool has_ended() const { return ended_.ended(); }

    void deliver(Delivery delivery) override;
    void ended(std::exception_ptr error) override;

private:
    class CallState;
    /// Null: it has been taken already.
    [[nodiscard]] std::shared_ptr<FutureState> take(std::uint64_t task);
    [[nodiscard]] std::shared_ptr<FutureState> add();
    /// Undoes the last add().
    void take_back();

    PoolCore& core_;
    std::unique_ptr<Stream> stream_;
    std::mutex order_;  // held while a call is added; taken before the engine's locks, which deliver() runs under
    std::mutex mutex_;  // guards the next two; taken after them
    std::uint64_t first_ = 0;
    std::deque<std::shared_ptr<FutureState>> states_;  // of task first_, first_ + 1, ...; null: ended
    Completion ended_;
};

}  // namespace plenum::detail
