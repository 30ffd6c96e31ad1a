// Results of a stream on their way to whoever reads it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pool/batch_sink.hpp"

namespace plenum::pool {

/// Copies results out of node memory, so that a slow reader does not keep executors from working: how much
/// waits for the reader is the reader's to limit.
class StreamSink : public BatchSink {
public:
    StreamSink(std::shared_ptr<detail::StreamReceiver> receiver, std::uint64_t stride,
               std::vector<std::string> const& hosts)
        : receiver_(std::move(receiver)), stride_(stride), hosts_(hosts) {}
    bool full() const noexcept override { return receiver_ != nullptr && receiver_->full(); }
    void take(wire::BlockResults results) override;
    void cut(std::exception_ptr why) override { why_ = std::move(why); }
    void finish(std::function<void(std::exception_ptr)> done) override;

private:
    std::shared_ptr<detail::StreamReceiver> receiver_;
    std::uint64_t stride_;
    std::exception_ptr why_;  // it was cut
    std::vector<std::string> const& hosts_;
};

}  // namespace plenum::pool
