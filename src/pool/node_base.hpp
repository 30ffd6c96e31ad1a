// Where node memory lies in this process: set once, before executors are forked, so that tasks find it.
#pragma once

#include <cstddef>

namespace plenum::pool {

void set_node_base(std::byte* base) noexcept;

}  // namespace plenum::pool
