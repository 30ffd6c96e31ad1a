// A batch whose tasks come while it runs: the seam between the public templates and the engine.
#pragma once

#include <cstdint>
#include <exception>
#include <plenum/codec.hpp>
#include <plenum/error.hpp>
#include <span>
#include <vector>

namespace plenum::detail {

/// Results of consecutive tasks of a stream, with their bytes.
struct Delivery {
    std::uint64_t first = 0, count = 0;
    Bytes bytes = {};
    std::uint64_t stride = 0;                ///< bytes of a result; 0: see lengths
    std::vector<std::uint64_t> lengths = {};    ///< bytes of each result, when they vary
    std::vector<TaskError::Data> failures = {};  ///< by task
};

/// Gets what a stream yields, on the engine's thread: must be quick and must not call the pool.
class StreamReceiver {
public:
    StreamReceiver() = default;
    StreamReceiver(StreamReceiver const&) = delete;
    StreamReceiver& operator=(StreamReceiver const&) = delete;
    virtual ~StreamReceiver() = default;
    /// Tasks that are final, each once, in any order.
    virtual void deliver(Delivery delivery) = 0;
    /// True: no more tasks are to be handed out for now, except those that were before. Stream::resume() says when.
    [[nodiscard]] virtual bool full() const noexcept { return false; }
    /// Nothing follows. `error`: the engine could not go on with the stream.
    virtual void ended(std::exception_ptr error) = 0;
};

/// A batch whose tasks come while it runs. Its end seals it. Thread-safe.
class Stream {
public:
    Stream() = default;
    Stream(Stream const&) = delete;
    Stream& operator=(Stream const&) = delete;
    virtual ~Stream() = default;
    /// Adds `count` tasks. `items`: their bytes, one after the other; `lengths`: of each, when items vary.
    virtual void append(std::uint64_t count, ByteView items, std::span<std::uint64_t const> lengths) = 0;
    /// The receiver is no longer full.
    virtual void resume() = 0;
    /// No more tasks follow.
    virtual void seal() = 0;
    /// Drops what does not run yet, and seals.
    virtual void cancel() = 0;
    /// Drops one task, unless it has been handed to a node already (false). It will not be delivered.
    virtual bool drop(std::uint64_t task) = 0;
};

}  // namespace plenum::detail
