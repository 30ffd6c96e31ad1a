// The task functions of this program by id: equal on every rank that runs the same build.
#pragma once

#include <cstdint>
#include <plenum/detail/chunk_call.hpp>
#include <string>

namespace plenum::wire {

/// The function registered under `id`, or null.
[[nodiscard]] detail::ChunkFunction find_task(detail::TaskId id) noexcept;

/// Hash over all ids: differs between ranks that were started from different programs.
[[nodiscard]] std::uint64_t registry_hash();

/// Empty, or the names of functions that cannot be told apart: name and place in the file are equal, as in two
/// loaded copies of one library.
[[nodiscard]] std::string registry_clashes();

/// 64-bit FNV-1a (Fowler, Noll, Vo).
[[nodiscard]] std::uint64_t hash_bytes(void const* data, std::size_t size,
                                       std::uint64_t seed = 14695981039346656037u) noexcept;

}  // namespace plenum::wire
