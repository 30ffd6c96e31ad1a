// Streams: batches whose tasks the body adds while they run.
#include <algorithm>

#include <plenum/error.hpp>

#include "pool/host.hpp"

namespace plenum::pool {

class Host::HostStream : public detail::Stream {
public:
    HostStream(Host& host, std::shared_ptr<Work> work, std::shared_ptr<StreamState> state)
        : host_(host), work_(std::move(work)), state_(std::move(state)) {}
    HostStream(HostStream const&) = delete;
    HostStream& operator=(HostStream const&) = delete;
    ~HostStream() override { seal(); }

    void append(std::uint64_t count, ByteView items, std::span<std::uint64_t const> lengths) override {
        for (auto const length : lengths)
            if (length > largest_) {
                host_.require_room_for_item(work_, length);
                largest_ = length;
            }
        {
            std::lock_guard const lock(host_.mutex_);
            if (state_->sealed && host_.progress_.stopped != StopReason::none) {
                host_.progress_.cut_short = true;
                std::rethrow_exception(host_.stopped_error());
            }
            if (state_->sealed)
                throw CancelledError("the pool was cancelled; it takes no more tasks of this kind");
            state_->count += count;
            auto end = state_->items.size();
            state_->items.insert(state_->items.end(), items.begin(), items.end());
            for (auto const length : lengths) state_->ends.push_back(end += length);
        }
        host_.ring();
    }
    void resume() override { host_.ring(); }
    void seal() override {
        {
            std::lock_guard const lock(host_.mutex_);
            if (state_->sealed) return;
            state_->sealed = true;
        }
        host_.ring();
    }
    void cancel() override {
        host_.cancel(work_);
        seal();
    }
    bool drop(std::uint64_t task) override { return host_.drop(work_, task); }

private:
    Host& host_;
    std::shared_ptr<Work> work_;
    std::shared_ptr<StreamState> state_;
    std::uint64_t largest_ = 0;
};

std::unique_ptr<detail::Stream> Host::open_stream(std::shared_ptr<Work> work) {
    auto state = std::make_shared<StreamState>();
    begin(work, state);
    return std::make_unique<HostStream>(*this, std::move(work), std::move(state));
}

void Host::require_room_for_item(std::shared_ptr<Work> const& work, std::uint64_t bytes) {
    std::lock_guard const lock(scheduling_);
    auto const found = batches_.find(work->id);
    if (found == batches_.end()) return;
    auto& batch = found->second;
    if (bytes > batch.largest_item) set_block_limits(work->id, batch, bytes);
}

bool Host::drop(std::shared_ptr<Work> const& work, std::uint64_t task) {
    std::lock_guard const lock(scheduling_);
    auto const found = batches_.find(work->id);
    if (found == batches_.end()) return false;
    auto& batch = found->second;
    take_from_stream(work->id, batch);
    if (coordinator_.drop(work->id, {task, task + 1}).empty()) return false;
    batch.items.forget({task, task + 1});
    ++batch.final_tasks;
    --progress_.tasks;
    return true;
}

/// Adds to the batch what its user has appended since.
void Host::take_from_stream(sched::BatchId id, Batch& batch) {
    StreamState taken;
    {
        std::lock_guard const lock(mutex_);
        auto& state = *batch.stream;
        taken.count = std::exchange(state.count, 0);
        taken.items.swap(state.items);
        taken.ends.swap(state.ends);
        taken.sealed = state.sealed;
        if (batch.cancelled) state.sealed = taken.sealed = true;
    }
    if (taken.count > 0) {
        batch.tasks += taken.count;
        batch.items.append(taken.count, std::move(taken.items), std::move(taken.ends));
        progress_.tasks += taken.count;
        coordinator_.extend(id, taken.count);
    }
    if (taken.sealed && !batch.sealed) {
        batch.sealed = true;
        coordinator_.seal(id);
    }
}

}  // namespace plenum::pool
