// Results of a batch into a result file, by the writer thread.
#pragma once

#include <memory>

#include "io/result_sink.hpp"
#include "pool/batch_sink.hpp"
#include "pool/writer.hpp"

namespace plenum::pool {

/// The map stays open when a batch of it has ended.
class FileSink : public BatchSink {
public:
    /// `file` and `writer` outlive the sink. `map` was begun by the writer thread. `failures` (may be null)
    /// gets a copy of each failure.
    /// `element_bytes`: of results of varying length; 0: executors have compressed them.
    FileSink(io::ResultSink& file, Writer& writer, io::MapId map, std::size_t element_bytes,
             std::function<void(wire::Failure const&)> on_failure);
    void take(wire::BlockResults results) override;
    void note_attempt(wire::Failure const& failure) override;
    std::uint64_t backlog() const noexcept override { return writer_.backlog(); }
    bool broken() const noexcept override { return writer_.broken(); }
    void finish(std::function<void(std::exception_ptr)> done) override;

private:
    void store(wire::BlockResults const& results);
    void store(wire::Failure const& failure, bool retried);
    struct Place {               // where results of some tasks are
        std::size_t value = 0;   // in the payload
        std::size_t length = 0;  // in the lengths
        std::uint64_t tasks = 0;
    };
    /// Returns the bytes of their values.
    std::size_t store_varying(wire::BlockResults const& results, std::uint64_t first, Place place);

    io::ResultSink& file_;
    Writer& writer_;
    io::MapId map_;
    std::size_t element_bytes_;
    std::function<void(wire::Failure const&)> on_failure_;
};

}  // namespace plenum::pool
