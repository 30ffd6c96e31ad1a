#include "pool/file_sink.hpp"

#include <vector>

namespace plenum::pool {

FileSink::FileSink(io::ResultSink& file, Writer& writer, io::MapId map, std::size_t element_bytes,
                   std::function<void(wire::Failure const&)> on_failure)
    : file_(file),
      writer_(writer),
      map_(map),
      element_bytes_(element_bytes),
      on_failure_(std::move(on_failure)) {}

void FileSink::take(wire::BlockResults results) {
    for (auto const& failure : results.failures) on_failure_(failure);
    auto const bytes = results.payload.bytes.size() + results.timing.size() * sizeof(wire::Timing);
    auto const shared = std::make_shared<wire::BlockResults>(std::move(results));
    writer_.post(bytes, [this, shared] { store(*shared); });
}

void FileSink::store(wire::BlockResults const& results) {
    auto const values = results.payload.bytes;
    if (results.lengths.empty()) {
        if (!values.empty())
            file_.put_fixed(map_, results.runs.front().first, results.runs.front().count(), values);
    } else {
        std::size_t at = 0, task = 0;
        std::vector<std::uint64_t> elements;
        for (auto const& run : results.runs) {
            elements.clear();
            std::size_t bytes = 0;
            for (std::uint64_t i = 0; i < run.count(); ++i, ++task) {
                elements.push_back(results.lengths[task] / element_bytes_);
                bytes += results.lengths[task];
            }
            file_.put_ragged(map_, run.first, elements, values.subspan(at, bytes));
            at += bytes;
        }
    }
    std::vector<io::TimingRow> rows;
    rows.reserve(results.timing.size());
    for (auto const& timing : results.timing)
        rows.push_back({.first = timing.first,
                        .count = timing.count,
                        .rank = timing.rank,
                        .start = timing.start,
                        .duration = timing.duration,
                        .peak_rss = timing.peak_rss});
    if (!rows.empty()) file_.put_timing(map_, rows);
    for (auto const& failure : results.failures) store(failure);
}

void FileSink::store(wire::Failure const& failure) {
    file_.put_failure(map_, {.task = failure.task,
                             .attempt = failure.attempt,
                             .rank = failure.rank,
                             .cause = failure.cause,
                             .message = failure.message});
}

void FileSink::note_attempt(wire::Failure const& failure) {
    writer_.post(0, [this, failure] { store(failure); });
}

void FileSink::finish(std::function<void(std::exception_ptr)> done) {
    writer_.post_always([this, done = std::move(done)](std::exception_ptr error) {
        try {
            if (!error) file_.end_map(map_);
        } catch (...) {
            error = std::current_exception();
        }
        done(error);
    });
}

}  // namespace plenum::pool
