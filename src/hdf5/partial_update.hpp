// A change of the partial file by HDF5 that happens as a whole or not at all. Only for the sources of this
// folder.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "hdf5/file.hpp"
#include "hdf5/publishing.hpp"
#include "io/run_files.hpp"

namespace plenum::hdf5 {

/// Runs `use`; its CallErrors become EnvironmentErrors about the file at `path`.
void guarded_hdf5(std::string const& path, std::uint64_t written, std::function<void()> const& use);

/// A new partial file without maps, in the place of an empty one.
void create_partial_file(std::string const& path, FileFacts const& facts);

/// HDF5 overwrites parts of a file in place, in no order that survives a kill. So what it may overwrite is
/// saved in the journal first (results excluded, so it is small), and put back by whoever finds a change that
/// was begun and not ended.
class PartialUpdate {
public:
    /// `durable`: there are results to lose; otherwise nothing is synced, and a kill costs the whole file.
    PartialUpdate(io::RunFiles& files, std::vector<io::PartialFile::Range> data, bool durable);
    PartialUpdate(PartialUpdate const&) = delete;
    PartialUpdate& operator=(PartialUpdate const&) = delete;
    /// Takes the change back unless it was committed or kept, or another run has taken over.
    ~PartialUpdate();

    /// Opens the file, calls use(file), which adds about `bytes`, and closes it.
    void run(std::uint64_t bytes, std::function<void(File&)> const& use);
    /// The change counts, with what was appended to the journal since.
    void commit();
    /// The change counts without a record: the file has another name by now.
    void keep() noexcept { ended_ = true; }

private:
    io::RunFiles& files_;
    io::PartialFile& partial_;
    io::Journal& journal_;
    io::Undo undo_;
    bool durable_;
    bool ended_ = false;
};

}  // namespace plenum::hdf5
