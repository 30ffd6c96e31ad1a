// An open HDF5 file and, with it, the right to call HDF5. Only for the sources of this folder.
#pragma once

#include <mutex>
#include <string>

#include "hdf5/calls.hpp"

namespace plenum::hdf5 {

/// Holds the one process-wide lock for HDF5 calls (the library is not thread-safe in most builds) and keeps
/// HDF5 from printing its errors; the printer of the surrounding program is put back at the end.
class LibraryLock {
public:
    LibraryLock();
    LibraryLock(LibraryLock const&) = delete;
    LibraryLock& operator=(LibraryLock const&) = delete;
    ~LibraryLock();

private:
    std::unique_lock<std::recursive_mutex> lock_;
    H5E_auto2_t printer_ = nullptr;
    void* printer_data_ = nullptr;
};

enum class FileMode : std::uint8_t { create, update, read };

/// Everything in this folder reaches HDF5 through an open file, so that the lock cannot be forgotten.
/// `create` truncates an existing file. HDF5 locks none of them (a reader that looks at a partial file must not
/// stop the run, nor a file system without locks). Throws CallError.
class File {
public:
    File(std::string const& path, FileMode mode);

    operator hid_t() const noexcept { return handle_; }
    /// Writes what HDF5 still holds back and closes. Throws CallError; the destructor would swallow it.
    void close() { checked(handle_.close(), "H5Fclose"); }

private:
    LibraryLock lock_;  // released last
    Handle handle_;
};

}  // namespace plenum::hdf5
