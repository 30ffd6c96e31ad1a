#include "app/engine_pool.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <plenum/error.hpp>
#include <thread>

#include "base/crc32c.hpp"
#include "base/memory_limits.hpp"
#include "base/units.hpp"
#include "pool/batch_sink.hpp"
#include "pool/stream_sink.hpp"

namespace plenum::app {
namespace {

constexpr std::uint64_t copied_at_once = 256 << 10;
constexpr std::uint64_t parallel_copy_bytes = 64 << 20;  // from here on a thread per rank of the node pays

}  // namespace

EnginePool::~EnginePool() {
    cancel_all();
    finish();
    engine_.actors().call_back_with({});
}

void EnginePool::finish() {
    for (;;) {
        std::vector<std::shared_ptr<detail::FutureQueue>> queues;
        std::vector<std::weak_ptr<detail::Completion>> running;
        {
            std::lock_guard const lock(mutex_);
            queues.swap(retired_);
            for (auto& [key, queue] : queues_) queues.push_back(std::move(queue));
            queues_.clear();
            running.swap(running_);
        }
        for (auto const& queue : queues) queue->seal();
        for (auto const& queue : queues) queue->wait();
        for (auto const& each : running)
            if (auto const completion = each.lock()) completion->wait();
        callbacks_.drain();
        if (queues.empty() && running.empty()) return;  // nothing new came from callbacks
    }
}

void EnginePool::cancel_all() {
    {
        std::lock_guard const lock(mutex_);
        std::erase_if(retired_, [](auto const& queue) { return queue->has_ended(); });
        for (auto& [key, queue] : queues_) retired_.push_back(std::move(queue));
        queues_.clear();
    }
    engine_.host().cancel_all();
}

std::shared_ptr<detail::FutureQueue> EnginePool::future_queue(detail::BatchRequest const& request) {
    std::lock_guard const lock(mutex_);
    auto& queue = queues_[{request.function, request.priority, request.stride}];
    if (!queue) {
        auto opened = std::make_shared<detail::FutureQueue>(*this);
        opened->open(request);
        queue = std::move(opened);
    }
    return queue;
}

std::unique_ptr<detail::Stream> EnginePool::open_stream(detail::BatchRequest request,
                                                        std::shared_ptr<detail::StreamReceiver> receiver) {
    auto const work = std::make_shared<pool::Host::Work>();
    work->sink =
        std::make_shared<pool::StreamSink>(std::move(receiver), request.stride, engine_.topology().hosts);
    work->request = std::move(request);
    return engine_.host().open_stream(work);
}

detail::RunningBatch EnginePool::start(detail::BatchRequest request) {
    auto store = std::make_shared<detail::ResultStore>();
    store->tasks = request.tasks;
    store->stride = request.stride;
    std::optional<std::uint64_t> offset;
    if (request.stride != 0) {
        auto const bytes = count_of({request.tasks, request.stride});
        engine_.require_memory(
            bytes, fmt::format("{} results of {} each", request.tasks, base::format_bytes(request.stride)));
        auto memory = engine_.kept_results().allocate(bytes);
        if (!memory)
            throw EnvironmentError(
                fmt::format("{} results of {} each need {} of node memory, which is not free; give more with "
                            "--node-memory, or "
                            "write them to the result file",
                            request.tasks, base::format_bytes(request.stride), base::format_bytes(bytes)));
        offset = *memory;
        store->base = engine_.node().base() + *memory;
        store->owners.push_back(std::move(memory));
    } else {
        store->views.resize(request.tasks);
    }
    auto const work = std::make_shared<pool::Host::Work>();
    work->sink = std::make_shared<pool::MemorySink>(store, engine_.topology().hosts);
    work->direct_offset = offset;
    work->request = std::move(request);
    engine_.host().start(work);
    {
        std::lock_guard const lock(mutex_);
        std::erase_if(running_, [](auto const& each) { return each.expired(); });
        running_.push_back(work->completion);
    }
    return {.store = std::move(store),
            .completion = work->completion,
            .cancel = [&host = engine_.host(), work] { host.cancel(work); }};
}

void EnginePool::publish_array(std::uint64_t offset, std::uint64_t bytes) {
    if (note_shared_)
        note_shared_({.bytes = bytes, .crc = base::crc32c({engine_.node().base() + offset, bytes})});
    engine_.host().publish_array(offset, bytes);
}

std::uint64_t EnginePool::place_copy(ByteView bytes) {
    detail::refuse_inside_task("a shared array made");
    auto& host = engine_.host();
    auto const offset = host.place_array(std::max<std::uint64_t>(bytes.size(), 1), /*fills_here=*/true);
    try {
        if (auto const error = copy_in(offset, bytes); error != 0)
            throw EnvironmentError(
                pool::no_memory_for_array(engine_.topology().hosts[0], bytes.size(), error));
    } catch (...) {
        host.free_array(offset);
        throw;
    }
    return offset;
}

int EnginePool::copy_in(std::uint64_t offset, ByteView bytes) {
    auto* const to = engine_.node().base() + offset;
    auto const threads =
        bytes.size() < parallel_copy_bytes
            ? 1
            : std::min<std::uint64_t>(static_cast<std::uint64_t>(engine_.topology().ranks_on(0)),
                                      std::max(1u, std::thread::hardware_concurrency()));
    auto const pieces = (bytes.size() + copied_at_once - 1) / copied_at_once;
    std::atomic<int> failed{0};
    // A page is made and filled while the processor still has it.
    auto const copy = [&](std::uint64_t first, std::uint64_t last) {
        engine_.node().header().processors.apply_to_thread();
        for (auto piece = first; piece < last && failed == 0; ++piece) {
            auto const part = bytes.subspan(piece * copied_at_once);
            auto const size = std::min<std::uint64_t>(part.size(), copied_at_once);
            auto* const place = to + piece * copied_at_once;
            if (auto const error = base::populate(place, size); error != 0)
                failed = error;
            else
                std::memcpy(place, part.data(), size);
        }
    };
    {
        std::vector<std::jthread> helpers;
        for (std::uint64_t i = 0; i + 1 < threads; ++i)
            helpers.emplace_back(copy, pieces * i / threads, pieces * (i + 1) / threads);
        copy(pieces * (threads - 1) / threads, pieces);
    }
    return failed;
}

std::pair<ElementType, Shape> EnginePool::dataset_info(std::string const& file, std::string const& dataset) {
    auto info = datasets_.info(file, dataset);
    return {info.type, std::move(info.shape)};
}

void EnginePool::read_dataset(std::string const& file, std::string const& dataset, ElementType as,
                              std::span<std::byte> into) {
    datasets_.read(file, dataset, as, into);
}

}  // namespace plenum::app
