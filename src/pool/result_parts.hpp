// Taking tasks out of a message with results.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "wire/messages.hpp"

namespace plenum::pool {

/// `results` without those of `tasks`, which are ascending and among its runs and not among its failures.
/// Results of fixed size come in several messages then, with one run each, as their payloads lie apart;
/// nothing is copied.
[[nodiscard]] std::vector<wire::BlockResults> without(wire::BlockResults results,
                                                      std::span<std::uint64_t const> tasks);

}  // namespace plenum::pool
