// The checksum CRC-32C (Castagnoli; RFC 3720, appendix B.4).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace plenum::base {

/// CRC-32C of `data`. With `before`, the checksum of the bytes that precede `data`, that of both together.
/// Cost: about 0.15 ns a byte with SSE 4.2, ten times that without.
[[nodiscard]] std::uint32_t crc32c(std::span<std::byte const> data, std::uint32_t before = 0) noexcept;

/// The checksum of two runs of bytes one after the other, from that of each. `second_bytes`: length of the
/// second.
[[nodiscard]] std::uint32_t crc32c_joined(std::uint32_t first, std::uint32_t second,
                                          std::uint64_t second_bytes) noexcept;

}  // namespace plenum::base
