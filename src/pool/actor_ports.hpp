// Sets what plenum::detail::actor_port() gives.
#pragma once

#include <plenum/detail/actor_port.hpp>

namespace plenum::pool {

/// For this thread, before that of the process; null: none of its own.
void set_thread_actor_port(detail::ActorPort* port) noexcept;
/// For all threads of the process.
void set_process_actor_port(detail::ActorPort* port) noexcept;

}  // namespace plenum::pool
