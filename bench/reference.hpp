// The plain programs that figures are compared with: one function for each, called by reference.cpp.
#pragma once

#include <cstdint>
#include <string>

namespace bench {

/// Where memory of a reference comes from.
enum class Pages {
    shared,  ///< MAP_SHARED, 4 KiB pages, as MPI's window
    plain,   ///< as std::vector gets it
    small,   ///< private, 4 KiB pages
    huge,    ///< private, huge pages where the system grants them
};

/// Two processes claim `block` indices at a time from one atomic counter and store their squares into shared
/// memory that nobody has touched.
void claim_squares(std::uint64_t tasks, std::uint64_t block);

/// Each of two processes sums its own copy of an array `passes` times.
void read_private(std::uint64_t bytes, std::uint64_t passes, Pages pages);

/// One process copies an array into memory that nobody has touched.
void copy(std::uint64_t bytes, Pages pages);

/// All filters in one loop, each reduced to its checksum.
void convolve_serially(std::uint64_t side, std::uint64_t filters);

/// Values that lie ready in memory into one contiguous dataset, `records_per_write` at a time; synced.
void write_convolutions(std::string const& path, std::uint64_t side, std::uint64_t filters);
void write_records(std::string const& path, std::uint64_t record_bytes, std::uint64_t records,
                   std::uint64_t records_per_write);
/// Ragged records as one dataset of values, 1 MiB at a time, and one of offsets; both lie ready in memory.
/// Synced.
void write_ragged(std::string const& path, std::uint64_t records);

/// How the masks lie in the file.
enum class MaskFile {
    contiguous,  ///< one mask in each write
    filtered,    ///< four masks in each chunk and write, which HDF5's filters shuffle and deflate (level 1)
    chunks,      ///< those chunks, compressed beforehand, as they are
};
/// The same for masks.
void write_masks(std::string const& path, std::uint64_t side, std::uint64_t masks, MaskFile kind);

/// Checksum of a dataset, whatever its type, as the 64-bit words that its values fill.
void check_file(std::string const& path, std::string const& dataset);

}  // namespace bench
