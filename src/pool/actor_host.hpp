// The process (or thread) of a rank in which its actors live: runs their calls one after the other. No MPI
// here.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <plenum/detail/actor_port.hpp>
#include <string>

#include "pool/output_marker.hpp"
#include "pool/record_socket.hpp"

namespace plenum::pool {

/// What the rank's process has to know of a host that died; in memory that both see.
struct ActorHostNote {
    std::atomic<std::uint64_t> running;  ///< the actor whose method runs, or that ran last
    std::atomic<FaultNote> fault;
    std::atomic<bool> drop;  ///< by the rank's process: run no further call
    std::array<OutputTaken, 2> output_taken;
};

class ActorHost {
public:
    struct Place {
        int rank = 0;
        std::string host;
        ActorHostNote* note = nullptr;
        OutputPipes pipes = {};  ///< -1: output is not captured
    };
    ActorHost(base::UniqueFd socket, Place place);
    /// Runs until the other end of the socket closes; then destroys the actors, those made last first.
    void run();

private:
    struct Actor {
        std::string type;
        detail::ActorSlot slot;
        std::string broken;  ///< why there is no object
    };
    class Port;

    void carry_out(wire::ActorRecord const& record);
    void create(wire::ActorRecord const& record);
    void call(wire::ActorRecord const& record);
    void end(wire::ActorHead const& head);
    void destroy(std::uint64_t id, Actor& actor);
    void succeed(wire::ActorHead const& head, Bytes result);
    /// Answers, or prints where nobody waits for an answer.
    void fail(wire::ActorHead const& head, std::string const& type, std::string const& message);
    void complain(ActorError::Data const& error) const;

    RecordSocket socket_;
    Place place_;
    std::optional<OutputMarker> marker_;
    std::map<std::uint64_t, Actor> actors_;
};

}  // namespace plenum::pool
