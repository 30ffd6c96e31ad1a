// What is known about one map while its results come in. Only for the sources of this folder.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "io/index_ranges.hpp"
#include "io/ragged_spool.hpp"
#include "io/result_records.hpp"
#include "io/spool.hpp"

namespace plenum::hdf5 {

/// Tasks of which at least one attempt failed.
struct Attempts {
    int failed = 0;           ///< number of the last failed attempt
    bool has_result = false;  ///< whether a result came after that
};

struct MapRecord {
    MapRecord(io::MapSpec map_spec, std::string const& folder)
        : spec(std::move(map_spec)), timing(folder), ragged(folder) {}

    io::MapSpec spec;
    std::uint64_t result_bytes = 0;  ///< of one result; fixed maps only
    std::uint64_t offset = 0;        ///< of the results in the file; fixed maps only
    io::IndexRanges done;            ///< tasks with a result
    std::map<std::uint64_t, Attempts> attempts;
    std::vector<io::Failure> failures;
    io::Spool timing;  ///< TimingRows as bytes
    io::RaggedSpool ragged;
    bool ended = false;
};

}  // namespace plenum::hdf5
