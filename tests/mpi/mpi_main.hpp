// What tests under mpirun share: the session that their main has opened.
#pragma once

#include "comm/session.hpp"

namespace plenum::mpi::test {

/// Of this rank; open while tests run.
[[nodiscard]] comm::Session& session() noexcept;

}  // namespace plenum::mpi::test
