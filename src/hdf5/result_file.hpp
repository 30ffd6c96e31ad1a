// The HDF5 file with the results of a run.
#pragma once

#include <memory>
#include <string>

#include "io/partial_file.hpp"
#include "io/result_sink.hpp"

namespace plenum::hdf5 {

struct ResultFileOptions {
    std::string path{};  ///< final name
    io::ExistingFile existing = io::ExistingFile::refuse;
    std::string software = "plenum";  ///< these three become attributes of the file
    std::string version{};
    std::string git{};
};

/// Creates `<path>.partial`, a valid HDF5 file that other programs can open for reading at any time. Results
/// of fixed shape go straight to their place in it, with HDF5 out of the way; results of other shapes wait in
/// a nameless temporary file in the same folder. publish() adds them and the tables and renames the file to
/// `path`.
///
/// Cost: begin_map and write_array open and close the HDF5 file (about a millisecond); put_fixed is one
/// system call. Throws what io::PartialFile throws.
[[nodiscard]] std::unique_ptr<io::ResultSink> create_result_file(ResultFileOptions options);

}  // namespace plenum::hdf5
