// The engine as the public Pool sees it.
#pragma once

#include <map>
#include <mutex>
#include <plenum/detail/completion.hpp>
#include <plenum/detail/future_queue.hpp>
#include <plenum/detail/pool_core.hpp>
#include <plenum/detail/refusals.hpp>
#include <tuple>

#include "io/dataset_source.hpp"
#include "io/result_records.hpp"
#include "pool/callback_thread.hpp"
#include "pool/engine.hpp"

namespace plenum::app {

class EnginePool : public detail::PoolCore {
public:
    /// Both outlive this. `complain` gets one line for the user, from any thread.
    EnginePool(pool::Engine& engine, io::DatasetSource& datasets,
               std::function<void(std::string const&)> complain)
        : engine_(engine), datasets_(datasets), callbacks_(std::move(complain)) {
        engine_.actors().call_back_with([this](std::function<void()> work) { call_back(std::move(work)); });
    }
    /// Drops what does not run yet, and waits for the rest.
    ~EnginePool() override;

    /// `note` gets a checksum of each array that is shared from here on.
    void on_shared(std::function<void(io::ArrayCheck)> note) { note_shared_ = std::move(note); }
    /// Waits for everything that was submitted or started, and for its callbacks. At the end of the body.
    void finish();

    detail::RunningBatch start(detail::BatchRequest request) override;
    std::unique_ptr<detail::Stream> open_stream(detail::BatchRequest request,
                                                std::shared_ptr<detail::StreamReceiver> receiver) override;
    void call_back(std::function<void()> work) override { callbacks_.post(std::move(work)); }
    void cancel_all() override;
    std::shared_ptr<detail::FutureQueue> future_queue(detail::BatchRequest const& request) override;
    int executors() const noexcept override { return engine_.host().executors(); }
    std::uint64_t place_array(std::uint64_t bytes) override {
        detail::refuse_inside_task("a shared array made");
        return engine_.host().place_array(bytes);
    }
    void publish_array(std::uint64_t offset, std::uint64_t bytes) override;
    void free_array(std::uint64_t offset) noexcept override { engine_.host().free_array(offset); }
    std::uint64_t place_copy(ByteView bytes) override;
    std::pair<ElementType, Shape> dataset_info(std::string const& file, std::string const& dataset) override;
    void read_dataset(std::string const& file, std::string const& dataset, ElementType as,
                      std::span<std::byte> into) override;
    std::vector<detail::ExitRecord> take_exit_records(std::uint64_t state) override {
        return engine_.host().take_exit_records(state);
    }
    int ranks() const noexcept override { return engine_.topology().ranks; }
    int nodes() const noexcept override { return engine_.topology().nodes; }

private:
    /// Makes the pages and fills them. Returns an errno, or 0.
    [[nodiscard]] int copy_in(std::uint64_t offset, ByteView bytes);
    /// What a stream of calls is known by.
    using QueueKey = std::tuple<detail::TaskId, int, std::uint64_t>;

    pool::Engine& engine_;
    io::DatasetSource& datasets_;
    std::function<void(io::ArrayCheck)> note_shared_;
    std::mutex mutex_;  // guards the next three
    std::map<QueueKey, std::shared_ptr<detail::FutureQueue>> queues_;
    std::vector<std::shared_ptr<detail::FutureQueue>> retired_;
    std::vector<std::weak_ptr<detail::Completion>> running_;
    pool::CallbackThread callbacks_;
};

}  // namespace plenum::app
