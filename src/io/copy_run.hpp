// Parts of one run put into the sink of another: what merge and retry are made of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "io/result_records.hpp"
#include "io/result_sink.hpp"
#include "io/run_reader.hpp"

namespace plenum::io {

/// Failures, results, times and printed lines of one map. Tasks that the sink has already are left out, and
/// so are results whose checksum is wrong. The sink knows the processes of `from`. Reads every result twice.
/// Returns how many tasks were left out for their checksum.
std::uint64_t copy_map(RunReader& from, std::size_t number, ResultSink& to, MapId id);
/// Those entries that belong to no task.
[[nodiscard]] std::vector<Printed> printed_by_no_task(std::vector<Printed> all);
/// What was printed by no task. What stands in `known`, which the sink had before, is left out, and taken out
/// there.
void copy_printed(RunReader const& from, ResultSink& to, std::vector<Printed>& known);
/// An array with its attributes; false, and nothing happens, when it is damaged.
[[nodiscard]] bool copy_array(RunReader& from, std::size_t number, ResultSink& to);

}  // namespace plenum::io
