#include <plenum/detail/future_queue.hpp>

#include <array>
#include <utility>

namespace plenum::detail {

class FutureQueue::CallState : public FutureState {
public:
    CallState(std::weak_ptr<FutureQueue> queue, PoolCore& core, std::uint64_t task)
        : queue_(std::move(queue)), core_(core), task_(task) {}
    bool cancel() override {
        auto const queue = queue_.lock();
        if (!queue || !queue->stream_->drop(task_)) return false;
        (void)queue->take(task_);
        set_cancelled();
        return true;
    }
    void call_back(std::function<void()> work) override { core_.call_back(std::move(work)); }
    std::shared_ptr<FutureState> follow_up() const override {
        return std::make_shared<FollowUp>(
            [&core = core_](std::function<void()> work) { core.call_back(std::move(work)); });
    }

private:
    std::weak_ptr<FutureQueue> queue_;
    PoolCore& core_;
    std::uint64_t task_;
};

void FutureQueue::open(BatchRequest request) {
    stream_ = core_.open_stream(std::move(request), shared_from_this());
}

std::shared_ptr<FutureState> FutureQueue::submit(ByteView item) {
    std::array const length{static_cast<std::uint64_t>(item.size())};
    std::lock_guard const lock(order_);
    auto state = add();  // before the call can end
    try {
        stream_->append(1, item, length);
    } catch (CancelledError const&) {
        take_back();
        state->set_cancelled();
    } catch (...) {
        take_back();
        throw;
    }
    return state;
}

std::shared_ptr<FutureState> FutureQueue::add() {
    std::lock_guard const lock(mutex_);
    auto state = std::make_shared<CallState>(weak_from_this(), core_, first_ + states_.size());
    states_.push_back(state);
    return state;
}

void FutureQueue::take_back() {
    std::lock_guard const lock(mutex_);
    if (!states_.empty()) states_.pop_back();  // empty: the stream has ended meanwhile
}

std::shared_ptr<FutureState> FutureQueue::take(std::uint64_t task) {
    std::lock_guard const lock(mutex_);
    if (task < first_ || task - first_ >= states_.size()) return nullptr;
    auto state = std::exchange(states_[task - first_], nullptr);
    while (!states_.empty() && !states_.front()) {
        states_.pop_front();
        ++first_;
    }
    return state;
}

void FutureQueue::deliver(Delivery delivery) {
    std::vector<std::shared_ptr<FutureState>> states(delivery.count);
    for (std::uint64_t i = 0; i < delivery.count; ++i) states[i] = take(delivery.first + i);
    {
        FutureState::Lock const lock(completions().mutex);
        auto failure = delivery.failures.begin();
        std::size_t at = 0;
        for (std::uint64_t i = 0; i < delivery.count; ++i) {
            auto const size = delivery.stride != 0 ? delivery.stride : delivery.lengths[i];
            auto const* const bytes = delivery.bytes.data() + at;
            at += size;
            if (failure != delivery.failures.end() && failure->task == delivery.first + i)
                states[i]->set_error(lock, std::make_exception_ptr(TaskError(*failure++)));
            else
                states[i]->set_bytes(lock, Bytes(bytes, bytes + size));
        }
    }
    completions().changed.notify_all();
    for (auto const& state : states) state->run_next();
}

void FutureQueue::ended(std::exception_ptr error) {
    // What was dropped when the pool was cancelled.
    std::deque<std::shared_ptr<FutureState>> left;
    {
        std::lock_guard const lock(mutex_);
        left.swap(states_);
        first_ += left.size();
    }
    for (auto const& state : left) {
        if (!state) continue;
        if (error)
            state->set_error(error);
        else
            state->set_cancelled();
    }
    ended_.end(std::move(error));
}

}  // namespace plenum::detail
