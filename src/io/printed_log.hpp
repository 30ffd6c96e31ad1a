// What tasks printed, as far as it is kept.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "io/result_records.hpp"

namespace plenum::io {

/// Bounded: of what one task prints the first 8 KiB are kept, of a run 16 MiB. What is left out is marked
/// once with a line of its own.
class PrintedLog {
public:
    PrintedLog() = default;
    /// What earlier processes of the run have kept.
    explicit PrintedLog(std::vector<Printed> earlier);
    /// Keeps what there is room for; returns that, or null. The pointer is valid until the next call.
    Printed const* add(Printed printed);
    [[nodiscard]] std::vector<Printed> const& entries() const noexcept { return entries_; }

private:
    using Who = std::pair<std::int32_t, std::uint64_t>;  // map, first task
    std::vector<Printed> entries_;
    std::map<Who, std::uint64_t> bytes_;  // of those that have printed
    std::uint64_t all_bytes_ = 0;
};

/// "[task 3] ", "[tasks 3-5] " or "[actor 2] ": what stands in front of its lines.
[[nodiscard]] std::string prefix_of(std::uint64_t first, std::uint64_t count);
/// All lines with that in front.
[[nodiscard]] std::string text_of(std::vector<Printed> const& printed);

}  // namespace plenum::io
