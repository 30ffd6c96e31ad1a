#include "pool/stream_sink.hpp"

#include <algorithm>
#include <utility>

namespace plenum::pool {

void StreamSink::take(wire::BlockResults results) {
    auto const bytes = results.payload.bytes;
    std::size_t at = 0, row = 0;
    for (auto const& run : results.runs) {
        detail::Delivery delivery{.first = run.first, .count = run.count(), .stride = stride_};
        std::size_t size = run.count() * stride_;
        if (stride_ == 0) {
            auto const lengths = results.lengths.begin() + static_cast<std::ptrdiff_t>(row);
            delivery.lengths.assign(lengths, lengths + static_cast<std::ptrdiff_t>(run.count()));
            row += run.count();
            for (auto const length : delivery.lengths) size += length;
        }
        auto const part = bytes.subspan(at, size);
        delivery.bytes.assign(part.begin(), part.end());
        at += size;
        for (auto const& failure : results.failures)
            if (failure.task >= run.first && failure.task < run.last)
                delivery.failures.push_back(error_data(failure, hosts_));
        std::sort(delivery.failures.begin(), delivery.failures.end(),
                  [](auto const& a, auto const& b) { return a.task < b.task; });
        receiver_->deliver(std::move(delivery));
    }
}

void StreamSink::finish(std::function<void(std::exception_ptr)> done) {
    std::exchange(receiver_, nullptr)->ended(why_);  // it may own the stream, and with it this sink
    done(nullptr);
}

}  // namespace plenum::pool
