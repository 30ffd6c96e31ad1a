#include "pool/node_base.hpp"

#include <plenum/detail/pool_core.hpp>

namespace plenum {
namespace {

std::byte* node_memory = nullptr;

}  // namespace

std::byte* detail::node_base() noexcept {
    return node_memory;
}

void pool::set_node_base(std::byte* base) noexcept {
    node_memory = base;
}

}  // namespace plenum
