#include "pool/actor_host.hpp"

#include <poll.h>

#include <cstdio>
#include <exception>
#include <iostream>
#include <utility>

#include "pool/actor_ports.hpp"
#include "wire/task_registry.hpp"

namespace plenum::pool {
namespace {

/// Runs `work`; gives the message of what it throws.
template <class Work>
std::optional<std::string> message_of_failure(Work&& work) {
    try {
        work();
    } catch (std::exception const& error) {
        return error.what();
    } catch (...) {
        return "an exception that is not derived from std::exception";
    }
    return std::nullopt;
}

detail::ActorFunction find_function(std::uint64_t id) {
    auto const function = wire::find_task(id);
    if (function == nullptr) throw EnvironmentError("unknown method; all ranks must run the same program");
    return reinterpret_cast<detail::ActorFunction>(reinterpret_cast<void (*)()>(function));
}

}  // namespace

/// Actors may send calls and not wait for answers.
class ActorHost::Port : public detail::ActorPort {
public:
    explicit Port(ActorHost& host) : host_(host) {}

    detail::ActorAddress create(detail::ActorPlacement const&, std::uint64_t, Bytes,
                                std::shared_ptr<detail::ActorAnswer>) override {
        throw UsageError("an actor cannot make actors; make them in the body of the program");
    }
    void call(detail::ActorAddress to, std::uint64_t method, Bytes request,
              std::shared_ptr<detail::ActorAnswer> answer) override {
        if (answer)
            throw UsageError(
                "an actor cannot wait for an actor (both would wait for ever when they call each other); use "
                "tell(), and let the other one tell the answer");
        host_.socket_.push(wire::ActorRecord::of({.rank = to.rank,
                                                  .caller_rank = host_.place_.rank,
                                                  .caller_channel = wire::no_channel,
                                                  .actor = to.actor,
                                                  .function = method},
                                                 std::move(request))
                               .whole);
        (void)host_.socket_.flush();
    }
    void end(detail::ActorAddress) noexcept override {}
    bool wait(detail::ActorAnswer const& answer, detail::Deadline) override {
        if (answer.phase() != detail::FutureState::Phase::pending) return true;
        throw UsageError("an actor cannot wait for an actor; use tell()");
    }

private:
    ActorHost& host_;
};

ActorHost::ActorHost(base::UniqueFd socket, Place place)
    : socket_(std::move(socket)), place_(std::move(place)) {
    if (place_.pipes.out >= 0) marker_.emplace(place_.pipes, place_.note->output_taken);
}

void ActorHost::run() {
    Port port(*this);
    set_thread_actor_port(&port);
    for (bool open = true; open;) {
        pollfd fd{.fd = socket_.fd(), .events = socket_.events(), .revents = 0};
        ::poll(&fd, 1, -1);
        open = socket_.flush() &&
               socket_.receive([this](wire::ActorRecord const& record) { carry_out(record); });
    }
    while (!actors_.empty()) {
        auto const last = std::prev(actors_.end());
        destroy(last->first, last->second);
        actors_.erase(last);
    }
    set_thread_actor_port(nullptr);
}

void ActorHost::carry_out(wire::ActorRecord const& record) {
    auto const& head = record.head;
    if (place_.note->drop.load(std::memory_order_relaxed)) return;
    place_.note->running.store(head.actor, std::memory_order_release);
    if (head.verb == wire::ActorVerb::create)
        create(record);
    else if (head.verb == wire::ActorVerb::call)
        call(record);
    else
        end(head);
    if (marker_) marker_->mark(head.actor, head.actor);
    // At once: the next call may take long.
    (void)socket_.flush();
}

void ActorHost::create(wire::ActorRecord const& record) {
    auto& actor = actors_[record.head.actor];
    actor.type = wire::type_of(record);
    Bytes nothing(sizeof(wire::ActorHead));
    auto const failure = message_of_failure([&] {
        detail::ActorInvocation invocation{actor.slot, record.content(), nothing};
        find_function(record.head.function)(invocation);
    });
    if (!failure) return succeed(record.head, std::move(nothing));
    actor.broken = "its constructor failed: " + *failure;
    fail(record.head, actor.type, actor.broken);
}

void ActorHost::call(wire::ActorRecord const& record) {
    auto const found = actors_.find(record.head.actor);
    if (found == actors_.end()) return;  // the keeper lets only calls of its actors through
    auto& actor = found->second;
    if (!actor.broken.empty()) {
        if (record.head.call != 0) fail(record.head, actor.type, actor.broken);
        return;
    }
    Bytes result(sizeof(wire::ActorHead));
    auto const failure = message_of_failure([&] {
        detail::ActorInvocation invocation{actor.slot, record.content(), result};
        find_function(record.head.function)(invocation);
    });
    if (failure)
        fail(record.head, actor.type, *failure);
    else
        succeed(record.head, std::move(result));
}

void ActorHost::end(wire::ActorHead const& head) {
    auto const found = actors_.find(head.actor);
    if (found == actors_.end()) return;
    destroy(found->first, found->second);
    actors_.erase(found);
}

void ActorHost::destroy(std::uint64_t id, Actor& actor) {
    if (actor.slot.object == nullptr) return;
    auto const failure = message_of_failure([&] { actor.slot.destroy(actor.slot.object); });
    if (failure)
        complain({.actor = id,
                  .type = actor.type,
                  .rank = place_.rank,
                  .host = place_.host,
                  .message = "its destructor threw: " + *failure});
    if (marker_) marker_->mark(id, id);
}

void ActorHost::succeed(wire::ActorHead const& head, Bytes result) {
    if (head.call != 0) socket_.push(wire::actor_result(head, std::move(result)).whole);
}

void ActorHost::fail(wire::ActorHead const& head, std::string const& type, std::string const& message) {
    ActorError::Data const error{
        .actor = head.actor, .type = type, .rank = place_.rank, .host = place_.host, .message = message};
    if (head.call != 0)
        socket_.push(wire::actor_failure(head, error).whole);
    else
        complain(error);
}

void ActorHost::complain(ActorError::Data const& error) const {
    std::cout.flush();
    std::fflush(stdout);
    auto const line = std::string("plenum: ") + ActorError(error).what() + '\n';
    std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace plenum::pool
