// A run as its files tell it, whatever has become of it: finished, alive or cut short.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/journal_records.hpp"
#include "io/map_record.hpp"
#include "io/run_lock.hpp"

namespace plenum::io {

enum class RunState : std::uint8_t { finished, running, interrupted };

struct StoredRun {
    RunState state = RunState::finished;
    std::string file{};                  ///< that holds the results
    std::string output{};                ///< that the run makes
    std::optional<LockHolder> holder{};  ///< of a run that is alive
    RunIdentity identity{};
    std::vector<RunRecord> runs{};          ///< the processes that worked on it
    std::vector<RecordedOption> options{};  ///< of the last of them
    std::vector<MapRecord> maps{};
    std::vector<ArrayRecord> arrays{};
    std::vector<WorkerRow> workers{};  ///< only of a finished run
    bool needs_merge = false;          ///< a share of a run whose job has to go on when all shares are there
    std::vector<Printed> printed{};    ///< in the order in which it came
};

/// When tasks ran.
struct StoredTiming {
    TimingRow row{};
    std::uint32_t process = 0;  ///< of the run, from 1, on whose clock the start is
};

/// Where a task ran; empty: unknown.
[[nodiscard]] std::string host_of(StoredRun const& run, StoredTiming const& timing);

/// Something that is not as it was written.
struct Damage {
    std::string map{};  ///< empty: no results are concerned
    std::uint64_t first = 0;
    std::uint64_t count = 0;  ///< of tasks from `first` on; 0: none in particular
    std::uint64_t bytes = 0;
    std::string what{};
};

struct CheckReport {
    std::uint64_t bytes = 0;      ///< compared with a checksum
    std::uint64_t checksums = 0;  ///< that were compared
    std::vector<Damage> damage{};
};

/// Reads the files of one run; changes nothing and takes no lock. Of a run that is alive it sees what was
/// committed when it was opened. Errors: EnvironmentError that names the file.
class RunReader {
public:
    RunReader() = default;
    RunReader(RunReader const&) = delete;
    RunReader& operator=(RunReader const&) = delete;
    virtual ~RunReader() = default;

    [[nodiscard]] StoredRun const& run() const noexcept { return run_; }
    /// In no particular order; of several rows of one task the last counts.
    virtual void for_each_timing(std::size_t map, std::function<void(StoredTiming const&)> const& visit) = 0;
    /// Results [first, first + count) of a fixed map, one after the other.
    [[nodiscard]] virtual std::vector<std::byte> fixed(std::size_t map, std::uint64_t first,
                                                       std::uint64_t count) = 0;
    /// The result of one task of a ragged map; empty where there is none.
    [[nodiscard]] virtual std::vector<std::byte> ragged(std::size_t map, std::uint64_t task) = 0;
    struct RaggedBlock {
        std::vector<std::uint64_t> lengths{};  ///< in elements
        std::vector<std::byte> values{};
    };
    /// Results [first, first + count) of a ragged map.
    [[nodiscard]] virtual RaggedBlock ragged_block(std::size_t map, std::uint64_t first, std::uint64_t count);
    /// The content of an array that was stored beside the maps.
    [[nodiscard]] virtual std::vector<std::byte> array(std::size_t number) = 0;
    [[nodiscard]] virtual std::vector<Attribute> array_attributes(std::size_t number) = 0;
    /// Compares everything that has a checksum with it. Reads all results once.
    [[nodiscard]] CheckReport check();

protected:
    virtual void check_ragged(std::size_t map, CheckReport& report) = 0;
    /// Results of a fixed map that are not in map.segments.
    virtual void check_packed(std::size_t /*map*/, IndexRanges& /*covered*/, CheckReport& /*report*/) {}
    /// What is no result and no array.
    virtual void check_rest(CheckReport& /*report*/) {}
    StoredRun run_;

private:
    void check_fixed(std::size_t map, CheckReport& report);
};

/// Of a run that has not ended: journal and partial file behind the final name `output`. One that has
/// committed nothing yet has no maps, and no identity.
[[nodiscard]] std::unique_ptr<RunReader> read_unfinished(std::string const& output);

/// `name` without what the files of a run add to it: "out.h5.partial" and "out.h5.journal" to "out.h5".
[[nodiscard]] std::string output_of(std::string name);

}  // namespace plenum::io
