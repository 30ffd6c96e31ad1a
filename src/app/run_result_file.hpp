// The result file of a run as a job sees it: maps run by the engine, stored by the writer thread.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <plenum/result_file.hpp>
#include <string>
#include <vector>

#include "io/result_sink.hpp"
#include "io/shard.hpp"
#include "pool/engine.hpp"
#include "pool/writer.hpp"

namespace plenum::app {

/// Ends the job from within a call that it has made: the process can do no more of it. No exception of the
/// standard's kind, so that no job takes it for a failure.
struct JobCut {
    int code = 0;  ///< of the process
};

class RunResultFile : public detail::ResultFileCore {
public:
    struct Failure {
        std::string map;
        wire::Failure failure;
        bool earlier = false;  ///< by an earlier process of the run, on a rank of that
    };
    using Describe = std::function<void(detail::ResultMap const&, std::uint64_t tasks)>;

    /// `file` may be null for a dry run: maps are then described to `describe` and not run.
    /// `shard`: of the tasks of each map only these run.
    /// `run`: io::run_key of the run. `gzip`: level of the finished file, 0 for none.
    RunResultFile(pool::Engine& engine, std::unique_ptr<io::ResultSink> file, io::Shard shard,
                  std::uint64_t run, int gzip, Describe describe);
    ~RunResultFile() override;

    MapSummary map(detail::ResultMap const& map, detail::BatchRequest request) override;
    void write(std::string const& path, ElementType type, Shape const& shape, ByteView values,
               std::vector<Attribute> const& attributes) override;
    void read(std::string const& map, std::uint64_t first, std::uint64_t count, ElementType as,
              Bytes& values) override;

    /// Nothing was written: there is nothing to publish.
    [[nodiscard]] bool empty() const noexcept { return maps_.empty() && !wrote_array_; }
    /// A map was begun: there may have been something to keep.
    [[nodiscard]] bool has_maps() const noexcept { return !maps_.empty(); }
    void publish(io::Provenance const& provenance);
    /// From here on the job's maps do not run, but for this task: "812" or "MAP:812". Its end is described
    /// and ends the job.
    void run_only(std::string task) { only_ = std::move(task); }
    /// The job was cut where it reads results of other shards.
    [[nodiscard]] bool needs_merge() const noexcept { return needs_merge_; }
    /// Keeps what a task or an actor printed. The main thread.
    void note_printed(wire::Output const& output);
    /// Arrays shared from here on are inputs of the maps that follow.
    void note_shared(io::ArrayCheck array) { arrays_.push_back(array); }
    /// The process ends: commits what it can within `seconds`. Any thread; the job may be anywhere.
    io::RunEnd leave(double seconds);
    [[nodiscard]] std::uint64_t bytes_written() const { return file_ ? file_->bytes_written() : 0; }
    [[nodiscard]] double commit_seconds() const noexcept { return writer_.busy_seconds(); }
    [[nodiscard]] std::deque<Failure> const& failures() const noexcept { return failures_; }

private:
    /// Runs it to its end; what its tasks print belongs to the map.
    void run(std::shared_ptr<pool::Host::Work> const& work, io::MapId id);
    void keep(wire::Output const& output, io::MapId id);
    /// How executors compress the results; none where that is left to the end of the run.
    [[nodiscard]] std::optional<detail::Packing> packing_for(io::MapSpec const& spec) const;
    struct Map {
        io::MapId id;
        ElementType type;
        std::uint64_t tasks;
        std::uint64_t result_bytes;
    };

    pool::Engine& engine_;
    std::unique_ptr<io::ResultSink> file_;
    Describe describe_;
    io::Shard shard_;
    std::uint64_t run_;
    int gzip_;
    pool::Writer writer_;  // after file_: it ends first
    std::vector<io::ArrayCheck> arrays_;
    std::map<std::string, Map> maps_;
    bool wrote_array_ = false;
    bool needs_merge_ = false;
    std::string only_;
    std::deque<Failure> failures_;
    std::mutex printed_mutex_;                   // guards the rest
    std::map<std::uint32_t, io::MapId> map_of_;  // by batch
    bool batch_begins_ = false;                  // one whose map is known in a moment
    std::vector<wire::Output> of_unknown_;       // printed meanwhile
};

}  // namespace plenum::app
