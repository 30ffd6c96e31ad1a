// Where records of actors go on a rank: to its actors, to the body, to its executors, or to the next rank.
#pragma once

#include <poll.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "comm/topology.hpp"
#include "pool/actor_keeper.hpp"
#include "pool/body_port.hpp"

namespace plenum::pool {

class ActorExchange {
public:
    struct Options {
        Isolation isolation = Isolation::process;
        std::function<void(int rank, wire::Message)> send;
        std::function<void()> ring;  ///< wakes this rank's main thread
    };
    /// Before the fork server. `topology` outlives this.
    ActorExchange(comm::Topology const& topology, Options options);
    ActorExchange(ActorExchange const&) = delete;
    ActorExchange& operator=(ActorExchange const&) = delete;
    ActorExchange(ActorExchange&&) = delete;
    ActorExchange& operator=(ActorExchange&&) = delete;
    ~ActorExchange();

    [[nodiscard]] ActorKeeper& keeper() noexcept { return keeper_; }
    /// On rank 0.
    [[nodiscard]] BodyPort& body() noexcept { return *body_; }
    /// A channel for a new executor: its number, and the executor's end of the socket.
    [[nodiscard]] std::pair<std::int32_t, base::UniqueFd> open_channel();
    /// The executor has gone: takes what it has still sent, and drops the answers that it would have got.
    void close_channel(std::int32_t channel);

    void on(wire::ActorMail const& mail);
    /// Moves all that is there. Never blocks.
    void tick();
    void add_poll(std::vector<pollfd>& fds) const;
    /// The program ends: see ActorKeeper::stop.
    void stop(int grace_ms);

private:
    void route(wire::ActorRecord const& record);
    [[nodiscard]] int next_hop(int rank) const;
    void receive(RecordSocket& socket);

    comm::Topology const& topology_;
    Options options_;
    ActorKeeper keeper_;
    std::unique_ptr<BodyPort> body_;
    std::map<std::int32_t, RecordSocket> channels_;
    std::int32_t channels_made_ = 0;
    std::map<int, wire::Mailbag> outgoing_;  // by the next rank
};

}  // namespace plenum::pool
