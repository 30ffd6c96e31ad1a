// The result sink: results bypass HDF5, which only sees the file to begin a map, to store an array and to
// publish.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "hdf5/file.hpp"
#include "hdf5/publishing.hpp"
#include "hdf5/result_file.hpp"
#include "io/pending_records.hpp"
#include "io/printed_log.hpp"
#include "io/run_files.hpp"
#include "io/shard.hpp"

namespace plenum::hdf5 {

/// What create_result_file returns. In result_writer.cpp is what happens while tasks run, in
/// result_writer_resume.cpp how it goes on with what earlier processes have left, in
/// result_writer_publish.cpp what HDF5 writes.
class ResultWriter final : public io::ResultSink {
public:
    explicit ResultWriter(ResultFileOptions options);
    ~ResultWriter() override;
    io::MapId begin_map(io::MapSpec const& spec) override;
    io::EarlierResults earlier_results(io::MapId id) const override;
    void put_fixed(io::MapId id, std::uint64_t first, std::uint64_t count,
                   std::span<std::byte const> values) override;
    void put_packed(io::MapId id, std::uint64_t first, std::span<std::uint64_t const> lengths,
                    std::span<std::byte const> packed) override;
    void put_ragged(io::MapId id, std::uint64_t first, std::span<std::uint64_t const> lengths,
                    std::span<std::byte const> values) override;
    void read_fixed(io::MapId id, std::uint64_t first, std::uint64_t count,
                    std::span<std::byte> values) override;
    void put_timing(io::MapId id, std::span<io::TimingRow const> rows, std::uint32_t process) override;
    std::vector<std::uint32_t> process_numbers(std::vector<io::RunRecord> const& runs) const override;
    void put_failure(io::MapId id, io::Failure const& failure) override;
    void put_printed(io::Printed printed) override;
    std::vector<io::Printed> const& printed() const override;
    void end_map(io::MapId id) override { open_map(id, 0, 0).ended = true; }
    void write_array(std::string const& path, ElementType type, Shape const& shape,
                     std::span<std::byte const> values, std::vector<io::Attribute> const& attributes,
                     std::optional<std::uint32_t> maps) override;
    void commit() override;
    std::uint64_t commit_if_due() override;
    void publish(io::Provenance const& provenance) override;
    io::RunEnd leave(bool stopped) override;
    std::uint64_t bytes_written() const override { return bytes_written_; }

private:
    FileFacts facts() const;
    Storage storage() const;
    /// use(file) changes the partial file as a whole or not at all, also when the process is killed; then
    /// note() records the change.
    void update_file(std::uint64_t bytes, std::function<void(File&)> const& use,
                     std::function<void()> const& note);
    /// So that whoever resumes the run notices damage of what HDF5 is to change next. The file is synced.
    void note_layout();
    void append_layout();
    /// All of it in the first group of the journal, so that the run is there as a whole or not at all.
    void take_over();
    void retry_failed();
    std::uint32_t maps_begun() const;
    io::MapId resume_map(std::size_t id, io::MapSpec const& spec);
    /// Results whose bytes are not those that were committed run again.
    void discard_damaged(std::size_t id);
    bool is_of(io::Death const& death, io::MapId id) const;
    /// A task that was at work when its rank died has failed an attempt, and for good when that was one too
    /// many. On the disk before any task runs: the next death must find it.
    void note_deaths(std::size_t id);
    static bool is_same(io::ArrayRecord const& then, io::ArrayRecord const& now);
    bool is_stored(io::ArrayRecord const& then, io::ArrayRecord const& now) const;
    void take_note(io::MapId id, std::uint64_t first, std::uint64_t count, std::uint64_t bytes);
    void start_clock() {
        if (first_waiting_ns_ == 0) first_waiting_ns_ = base::now_ns();
    }
    /// A process that was stopped for long may have been taken for dead.
    void guard();
    /// Returns where the lengths stand in the journal, which the values follow.
    std::uint64_t append_results(io::RecordKind kind, io::MapId id, std::uint64_t first,
                                 std::span<std::uint64_t const> lengths, std::span<std::byte const> values);
    /// Reads results, packed ones too.
    void read_results(io::MapRecord const& map, std::uint64_t first, std::uint64_t count,
                      std::span<std::byte> values);
    /// Room in the partial file.
    void reserve(io::MapRecord const& map);
    /// Packed results go to their places in the partial file: they are published as they are.
    void unpack_results();
    static void require_new(io::MapRecord const& map, std::uint64_t first, std::uint64_t count);
    io::MapRecord const& known_map(io::MapId id) const;
    io::MapRecord& open_map(io::MapId id, std::uint64_t first, std::uint64_t count, bool also_ended = false);
    void require_unpublished() const {
        if (published_) throw UsageError(options_.path + " is published already; nothing can be added");
    }

    ResultFileOptions options_;
    io::Shard shard_ = io::shard_of(options_.identity);
    io::RunFiles files_;
    io::PartialFile& partial_;
    io::Journal& journal_;
    std::vector<io::MapRecord> maps_;
    std::vector<io::PendingRecords> pending_;  // of each map
    std::vector<io::ArrayRecord> arrays_;
    io::PrintedLog printed_;
    std::set<std::string> arrays_begun_;  // paths of those that this process has stored or found
    std::map<io::MapId, std::vector<std::uint64_t>> quarantined_;  // by deaths before this process
    std::uint64_t bytes_written_ = 0;
    std::uint64_t first_waiting_ns_ = 0;  // when the first of what waits for a commit came; 0: nothing waits
    std::uint64_t guarded_ns_ = 0;
    bool taking_over_ = false;
    bool data_written_ = false;  // to the partial file, since the last commit
    std::atomic<bool> committed_results_;
    std::atomic<bool> left_{false};
    bool published_ = false;
};

}  // namespace plenum::hdf5
