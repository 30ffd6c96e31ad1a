// Parts of one run put into the sink of another: what merge and retry are made of.
#pragma once

#include <cstddef>
#include <cstdint>

#include "io/result_sink.hpp"
#include "io/run_reader.hpp"

namespace plenum::io {

/// Failures, results and times of one map. What the sink has already is left out, and so are results whose
/// checksum is wrong. The sink knows the processes of `from`. Reads every result twice. Returns how many
/// tasks were left out for their checksum.
std::uint64_t copy_map(RunReader& from, std::size_t number, ResultSink& to, MapId id);
/// What was printed; the maps have the same numbers in both runs.
void copy_printed(RunReader const& from, ResultSink& to);
/// An array with its attributes; false, and nothing happens, when it is damaged.
[[nodiscard]] bool copy_array(RunReader& from, std::size_t number, ResultSink& to);

}  // namespace plenum::io
