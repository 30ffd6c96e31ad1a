// Where the engine puts results: the interface.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "io/result_records.hpp"

namespace plenum::io {

/// Number of a map in its sink.
using MapId = int;

/// Takes results in any order and makes them visible all at once. Not thread-safe: one thread at a time.
/// A wrong call (unknown map, task out of range, wrong number of bytes, a call after publish) throws
/// UsageError; a full or broken disk throws EnvironmentError, after which only destruction makes sense.
class ResultSink {
public:
    ResultSink() = default;
    ResultSink(ResultSink const&) = delete;
    ResultSink& operator=(ResultSink const&) = delete;
    /// Without an earlier publish nothing remains.
    virtual ~ResultSink() = default;

    /// Makes room for a map. Several maps can be open at the same time.
    [[nodiscard]] virtual MapId begin_map(MapSpec const& spec) = 0;
    /// Results of the tasks [first, first + count) of a fixed map, one after the other, row-major. A task
    /// that is put again, for instance after a failure, gets the later result.
    virtual void put_fixed(MapId map, std::uint64_t first, std::uint64_t count,
                           std::span<std::byte const> values) = 0;
    /// Results of the tasks first, first + 1, ... of a ragged map: their lengths in elements and their values
    /// one after the other. Each task can be put once.
    virtual void put_ragged(MapId map, std::uint64_t first, std::span<std::uint64_t const> lengths,
                            std::span<std::byte const> values) = 0;
    /// When tasks ran. If a task has several rows the last one counts.
    virtual void put_timing(MapId map, std::span<TimingRow const> rows) = 0;
    /// Records a failed attempt. The task counts as failed unless a result is put later.
    virtual void put_failure(MapId map, Failure const& failure) = 0;
    /// Reads results of a fixed map back, until publish.
    virtual void read_fixed(MapId map, std::uint64_t first, std::uint64_t count,
                            std::span<std::byte> values) = 0;
    /// Nothing more comes for this map. Tasks without result and failure are marked as not run.
    virtual void end_map(MapId map) = 0;
    /// Stores an array under `path` (such as "inputs/filters"; parents are made), row-major.
    virtual void write_array(std::string const& path, ElementType type, Shape const& shape,
                             std::span<std::byte const> values, std::vector<Attribute> const& attributes) = 0;
    /// Completes the file, syncs it to the disk and gives it its final name. Readers see all of it or
    /// nothing.
    virtual void publish(Provenance const& provenance) = 0;
    /// For a process that is about to end; any thread, at any time, also while another call is under way.
    /// Removes what is not published. Returns false, and removes nothing, where the results are complete.
    virtual bool abandon() = 0;
    /// Bytes of results taken so far.
    [[nodiscard]] virtual std::uint64_t bytes_written() const = 0;
};

}  // namespace plenum::io
