// What the engine tells about a map, its tasks and its run so that a result file can hold it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <plenum/element.hpp>
#include <plenum/error.hpp>
#include <plenum/metadata.hpp>
#include <string>
#include <utility>
#include <vector>

namespace plenum::io {

using plenum::Attribute;
using plenum::Scale;

/// What a shared array holds.
struct ArrayCheck {
    std::uint64_t bytes = 0;
    std::uint32_t crc = 0;  ///< CRC-32C of the content
    friend bool operator==(ArrayCheck const&, ArrayCheck const&) = default;
};

/// One map: `tasks` results under one name.
struct MapSpec {
    std::string name{};       ///< unique in the file; no '/'
    std::uint64_t tasks = 0;  ///< tasks are numbered 0 .. tasks-1
    ElementType type = ElementType::f64;
    bool fixed = true;  ///< all results have `shape`; otherwise each has its own length
    Shape shape{};      ///< of one result; only if fixed
    std::vector<std::string>
        dimensions{};             ///< names, first = task dimension; empty or one for each dimension
    std::string units{};          ///< of the values; may be empty
    int version = 1;              ///< version of the task function
    std::vector<Scale> scales{};  ///< ragged maps: only along dimension 0
    std::vector<Attribute> attributes{};
    std::uint32_t items_crc = 0;       ///< CRC-32C of the items, to notice other inputs when a run is resumed
    std::vector<ArrayCheck> arrays{};  ///< shared before the map, for the same reason
    bool packed = false;  ///< results come compressed: no room for them as they are; of this process alone
};

/// When and where `count` consecutive tasks ran on one executor.
struct TimingRow {
    std::uint64_t first = 0;
    std::uint32_t count = 1;
    std::int32_t rank = 0;
    double start = 0;            ///< s since the start of the run
    double duration = 0;         ///< s, of all `count` tasks together
    std::uint64_t peak_rss = 0;  ///< bytes, highest of the executor so far
};

/// One failed attempt of one task.
struct Failure {
    std::uint64_t task = 0;
    int attempt = 1;  ///< from 1
    int rank = 0;
    FailureCause cause = FailureCause::exception;
    std::string message{};
    bool retried = false;  ///< the task was to run again
};

/// Whole lines that were printed.
struct Printed {
    std::int32_t map = -1;    ///< number of the map; -1: by none of its tasks
    std::uint64_t first = 0;  ///< one of `count` tasks from this one on; count 0: this actor
    std::uint64_t count = 1;
    std::string text{};
    bool operator==(Printed const&) const = default;
};

/// What one rank did in the run. Times in seconds; working and waiting are sums over its executors.
struct WorkerRow {
    int rank = 0;
    std::uint32_t process = 0;  ///< of the run, from 1; 0: the one that publishes
    std::string host{};
    std::string cores{};  ///< cores that the rank may use, such as "0-3"
    int executors = 1;
    double startup = 0;
    double init = 0;
    double working = 0;
    double waiting = 0;
    double commit = 0;
    std::uint64_t tasks = 0;
};

/// An option of a job.
struct IdentityOption {
    std::string name{};
    std::string value{};
    bool given = false;  ///< by the user; otherwise `value` is the default
};

/// A run option that the user has given: how tasks run and how results are kept. Changes no result.
struct RecordedOption {
    std::string name{};   ///< without dashes
    std::string value{};  ///< as it would stand in the command line
    friend bool operator==(RecordedOption const&, RecordedOption const&) = default;
};

/// What is being run: results of two runs may be mixed when all of it but build and command line is the same.
struct RunIdentity {
    std::string job{};
    std::vector<IdentityOption> options{};  ///< of the job
    std::uint64_t seed = 0;
    std::string build{};         ///< of the program
    std::string command_line{};  ///< for people
};

/// How the results came to be.
struct Provenance {
    std::string job{};
    std::string command_line{};
    std::vector<Attribute> options{};
    std::vector<std::pair<std::string, std::string>> environment{};  ///< name and value
    std::vector<WorkerRow> workers{};
};

}  // namespace plenum::io
