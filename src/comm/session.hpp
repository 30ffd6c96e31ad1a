// The connection of this process to the others of its program.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "comm/topology.hpp"
#include "comm/transport.hpp"

namespace plenum::comm {

/// Memory that all processes of a node see, also those forked later. Owned by the session.
struct NodeMemory {
    std::byte* base = nullptr;  ///< page aligned; the address differs between processes, offsets do not
    std::size_t bytes = 0;
};

class Session {
public:
    Session() = default;
    Session(Session const&) = delete;
    Session& operator=(Session const&) = delete;
    virtual ~Session() = default;

    [[nodiscard]] virtual Topology const& topology() const noexcept = 0;
    [[nodiscard]] virtual Transport& transport() noexcept = 0;
    /// "Open MPI 4.1.4", or "none" for one process without MPI.
    [[nodiscard]] virtual std::string mpi_version() const = 0;
    /// Directory that backs node memory, or empty when it is anonymous: the place whose free space counts.
    [[nodiscard]] virtual std::string backing_directory() const = 0;
    /// Collective over the ranks of the node; all ask for the same number. Zeroed; pages count when touched.
    /// The caller has checked before that there is room. Once per session.
    [[nodiscard]] virtual NodeMemory reserve_node_memory(std::size_t bytes) = 0;
    /// Collective: the orderly end. `last`, which may be null, is called when all ranks have come so far and
    /// only MPI's own end is left. Not called when an exception ends the program.
    virtual void close(std::function<void()> const& last) = 0;
    /// Ends every rank at once, with this code where the launcher can.
    [[noreturn]] virtual void abort(int code) noexcept = 0;
};

/// One process without MPI: the same program without mpirun.
[[nodiscard]] std::unique_ptr<Session> make_solo_session();

}  // namespace plenum::comm
