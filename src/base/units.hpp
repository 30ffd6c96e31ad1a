// Numbers with units, for people: "1.5 GiB", "2 min 03 s", "35.1 M/s"; and sizes as users write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace plenum::base {

/// "512 B", "1.5 KiB", "12.0 GiB".
[[nodiscard]] std::string format_bytes(std::uint64_t bytes);
/// "12.3 ms", "0.12 s", "45.3 s", "2 min 03 s", "3 h 12 min", "2 d 04 h"; "us" and "ns" for what is shorter.
[[nodiscard]] std::string format_duration(double seconds);
/// "950", "12.3 k", "35.1 M", "1.2 G".
[[nodiscard]] std::string format_count(double number);
/// "4G", "512MiB", "1.5 GB", "1000" (bytes) to bytes; K, M, G, T are powers of 1024.
/// Throws UsageError that names `what` (for example "--node-memory") when `text` is no size.
[[nodiscard]] std::uint64_t parse_bytes(std::string_view text, std::string_view what);

/// "90", "1.5 h", "20 min", "2d" (without a unit: seconds), or as Slurm writes: "30:00" (min:s), "1:30:00",
/// "2-12:00:00" to seconds. Throws UsageError that names `what` when `text` is no such time.
[[nodiscard]] double parse_duration(std::string_view text, std::string_view what);

}  // namespace plenum::base
