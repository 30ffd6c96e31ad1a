#include "pool/actor_exchange.hpp"

#include <utility>

#include "pool/actor_ports.hpp"

namespace plenum::pool {

ActorExchange::ActorExchange(comm::Topology const& topology, Options options)
    : topology_(topology),
      options_(std::move(options)),
      keeper_({.isolation = options_.isolation,
               .rank = topology.rank,
               .host = topology.hosts[static_cast<std::size_t>(topology.rank)],
               .send = [this](wire::ActorRecord const& record) { route(record); },
               .output = [this](wire::Output output) { options_.send(0, std::move(output)); }}) {
    if (topology.rank != 0) return;
    body_ = std::make_unique<BodyPort>(topology.ranks, options_.ring);
    set_process_actor_port(body_.get());
}

ActorExchange::~ActorExchange() {
    if (body_) set_process_actor_port(nullptr);
}

std::pair<std::int32_t, base::UniqueFd> ActorExchange::open_channel() {
    auto [mine, theirs] = RecordSocket::make_pair();
    auto const channel = ++channels_made_;
    channels_.emplace(channel, RecordSocket(std::move(mine)));
    return {channel, std::move(theirs)};
}

void ActorExchange::close_channel(std::int32_t channel) {
    auto const found = channels_.find(channel);
    if (found == channels_.end()) return;
    receive(found->second);
    channels_.erase(found);
}

void ActorExchange::on(wire::ActorMail const& mail) {
    wire::for_each_record(mail.payload, [this](wire::ActorRecord const& record) { route(record); });
}

int ActorExchange::next_hop(int rank) const {
    // Only leaders look for messages of other nodes; whoever sleeps on this node is woken by the sender.
    auto const node = topology_.node_of[static_cast<std::size_t>(rank)];
    return node == topology_.node ? rank : topology_.leaders[static_cast<std::size_t>(node)];
}

void ActorExchange::route(wire::ActorRecord const& record) {
    auto const& head = record.head;
    bool const to_actor = wire::goes_to_actor(head.verb);
    auto const rank = to_actor ? head.rank : head.caller_rank;
    if (rank != topology_.rank) return outgoing_[next_hop(rank)].add(record.whole);
    if (to_actor) return keeper_.take(record);
    if (head.caller_channel == wire::body_channel) return body_->deliver(record);
    auto const channel = channels_.find(head.caller_channel);
    if (channel != channels_.end()) channel->second.push(record.whole);
}

void ActorExchange::receive(RecordSocket& socket) {
    // That the executor has ended shows in its process, not here.
    (void)socket.receive([this](wire::ActorRecord const& record) { route(record); });
}

void ActorExchange::tick() {
    if (body_)
        for (auto posted = body_->take(); !posted.empty();) on({.payload = posted.take()});
    for (auto& [channel, socket] : channels_) receive(socket);
    keeper_.tick();
    for (auto& [channel, socket] : channels_) (void)socket.flush();
    for (auto& [rank, bag] : outgoing_)
        while (!bag.empty()) options_.send(rank, wire::ActorMail{.payload = bag.take()});
}

void ActorExchange::add_poll(std::vector<pollfd>& fds) const {
    keeper_.add_poll(fds);
    for (auto const& [channel, socket] : channels_)
        fds.push_back({.fd = socket.fd(), .events = socket.events(), .revents = 0});
}

void ActorExchange::stop(int grace_ms) {
    keeper_.stop(grace_ms);
}

}  // namespace plenum::pool
