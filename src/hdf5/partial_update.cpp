#include "hdf5/partial_update.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <plenum/error.hpp>
#include <string_view>

#include "io/positional.hpp"

namespace plenum::hdf5 {
namespace {

/// More than HDF5 needs for headers and alignment.
constexpr std::uint64_t metadata_bytes = 256 * 1024;

}  // namespace

void guarded_hdf5(std::string const& path, std::uint64_t written, std::function<void()> const& use) {
    try {
        use();
    } catch (CallError const& error) {
        std::string_view const reason = error.what();
        for (int const full : {ENOSPC, EDQUOT, EFBIG})
            if (reason.ends_with(std::strerror(full))) throw io::write_error(path, full, written, written);
        throw EnvironmentError(
            fmt::format("{}: cannot be written ({}); check disk and folder", path, reason));
    }
}

void create_partial_file(std::string const& path, FileFacts const& facts) {
    guarded_hdf5(path, 0, [&] {
        File file(path, FileMode::create);
        write_root(file, facts);
        file.close();
    });
}

PartialUpdate::PartialUpdate(io::RunFiles& files, std::vector<io::PartialFile::Range> data, bool durable)
    : files_(files),
      partial_(files.partial()),
      journal_(files.journal()),
      undo_(partial_.save(std::move(data))),
      durable_(durable) {
    if (!durable_) return;
    journal_.append(io::RecordKind::undo, {io::encode(undo_).view()});
    journal_.commit();
}

PartialUpdate::~PartialUpdate() {
    if (ended_) return;
    try {
        files_.lock().require_mine();
        partial_.restore(undo_);
        if (!durable_) return;
        partial_.sync();
        journal_.append(io::RecordKind::undone, {});
        journal_.commit();
    } catch (Error const&) {
        // Whoever resumes the run finds the undo record and tries again.
    }
}

void PartialUpdate::run(std::uint64_t bytes, std::function<void(File&)> const& use) {
    // HDF5 does not survive a full disk: after a close that fails it crashes at the end of the program.
    // So the room is there before it starts; closing cuts off what is left.
    partial_.reserve_at_end(bytes + metadata_bytes);
    guarded_hdf5(partial_.partial_path(), 0, [&] {
        File file(partial_.partial_path(), FileMode::update);
        use(file);
        file.close();
    });
}

void PartialUpdate::commit() {
    files_.lock().require_mine();
    if (durable_) {
        partial_.sync();
        journal_.append(io::RecordKind::updated, {});
        journal_.commit();
    }
    ended_ = true;
}

}  // namespace plenum::hdf5
