#include "pool/file_sink.hpp"

#include <algorithm>
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
    std::vector<std::uint64_t> failed;
    for (auto const& failure : results.failures) {
        failed.push_back(failure.task);
        store(failure, false);
    }
    std::sort(failed.begin(), failed.end());
    std::uint64_t tasks = 0;
    for (auto const& run : results.runs) tasks += run.count();
    auto const stride = results.lengths.empty() && tasks > 0 ? results.payload.bytes.size() / tasks : 0;
    std::size_t at = 0, task = 0;  // in the values, in the lengths
    for (auto const& run : results.runs) {
        auto next_failed = std::lower_bound(failed.begin(), failed.end(), run.first);
        for (auto first = run.first; first < run.last;) {
            auto const stop = next_failed == failed.end() ? run.last : std::min(*next_failed, run.last);
            if (results.lengths.empty()) {
                auto const bytes = (stop - first) * stride;
                file_.put_fixed(map_, first, stop - first, results.payload.bytes.subspan(at, bytes));
                at += bytes;
            } else {
                at += store_varying(results, first, {at, task, stop - first});
            }
            task += stop - first;
            first = stop;
            if (first == run.last) break;
            at += results.lengths.empty() ? stride : results.lengths[task];  // the failed one
            ++task;
            ++first;
            ++next_failed;
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
}

void FileSink::store(wire::Failure const& failure, bool retried) {
    file_.put_failure(map_, {.task = failure.task,
                             .attempt = failure.attempt,
                             .rank = failure.rank,
                             .cause = failure.cause,
                             .message = failure.message,
                             .retried = retried});
}

void FileSink::note_attempt(wire::Failure const& failure) {
    writer_.post(0, [this, failure] { store(failure, true); });
}

std::size_t FileSink::store_varying(wire::BlockResults const& results, std::uint64_t first, Place place) {
    std::vector<std::uint64_t> lengths;
    std::size_t bytes = 0;
    for (std::uint64_t i = 0; i < place.tasks; ++i) {
        auto const length = results.lengths[place.length + i];
        lengths.push_back(element_bytes_ == 0 ? length : length / element_bytes_);
        bytes += length;
    }
    auto const values = results.payload.bytes.subspan(place.value, bytes);
    if (element_bytes_ == 0)
        file_.put_packed(map_, first, lengths, values);
    else
        file_.put_ragged(map_, first, lengths, values);
    return bytes;
}

void FileSink::finish(std::function<void(std::exception_ptr)> done) {
    writer_.post_always([done = std::move(done)](std::exception_ptr error) { done(std::move(error)); });
}

}  // namespace plenum::pool
