#include "pool/body_port.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <plenum/error.hpp>
#include <utility>

namespace plenum::pool {

void give_answer(detail::ActorAnswer& answer, wire::ActorRecord const& record) {
    if (record.head.verb == wire::ActorVerb::failure)
        return answer.set_error(std::make_exception_ptr(ActorError(wire::failure_of(record))));
    auto const content = record.content();
    answer.set_bytes(Bytes(content.begin(), content.end()));
}

BodyPort::BodyPort(int ranks, std::function<void()> ring)
    : ring_(std::move(ring)), actors_of_rank_(static_cast<std::size_t>(ranks)) {}

void BodyPort::post(wire::ActorHead head, Bytes request, std::shared_ptr<detail::ActorAnswer> answer) {
    std::unique_lock lock(mutex_);
    if (head.verb == wire::ActorVerb::call)
        credit_came_.wait(lock, [&] { return window_.has_room(head.rank, request.size()); });
    if (answer) {
        head.call = ++calls_;
        pending_.emplace(head.call, std::move(answer));
    }
    window_.sent(head.rank, request.size());
    bool const was_empty = posted_.empty();
    posted_.add(wire::ActorRecord::of(head, std::move(request)).whole);
    lock.unlock();
    if (was_empty) ring_();
}

detail::ActorAddress BodyPort::create(detail::ActorPlacement const& placement, std::uint64_t constructor,
                                      Bytes request, std::shared_ptr<detail::ActorAnswer> answer) {
    auto const ranks = static_cast<int>(actors_of_rank_.size());
    if (placement.rank && (*placement.rank < 0 || *placement.rank >= ranks))
        throw UsageError(
            fmt::format("an actor cannot be placed on rank {} (the ranks are 0 to {}); leave the rank out "
                        "to have the least loaded one",
                        *placement.rank, ranks - 1));
    if (placement.restarts < 0)
        throw UsageError(
            fmt::format("an actor cannot be restarted {} times; give 0 or more", placement.restarts));
    detail::ActorAddress address;
    {
        std::lock_guard const lock(mutex_);
        auto const least = std::min_element(actors_of_rank_.begin(), actors_of_rank_.end());
        address.rank = placement.rank.value_or(static_cast<int>(least - actors_of_rank_.begin()));
        ++actors_of_rank_[static_cast<std::size_t>(address.rank)];
        address.actor = ++actors_made_;
    }
    post({.verb = wire::ActorVerb::create,
          .rank = address.rank,
          .actor = address.actor,
          .function = constructor,
          .amount = static_cast<std::uint64_t>(placement.restarts)},
         std::move(request), std::move(answer));
    return address;
}

void BodyPort::call(detail::ActorAddress to, std::uint64_t method, Bytes request,
                    std::shared_ptr<detail::ActorAnswer> answer) {
    if (to.actor == 0) throw UsageError("this reference names no actor; take one from Actor::ref()");
    post({.rank = to.rank, .actor = to.actor, .function = method}, std::move(request), std::move(answer));
}

void BodyPort::end(detail::ActorAddress actor) noexcept {
    post({.verb = wire::ActorVerb::end, .rank = actor.rank, .actor = actor.actor}, Bytes(detail::actor_room),
         nullptr);
    std::lock_guard const lock(mutex_);
    --actors_of_rank_[static_cast<std::size_t>(actor.rank)];
}

bool BodyPort::wait(detail::ActorAnswer const& answer, detail::Deadline deadline) {
    return answer.wait_for_others(deadline);
}

void BodyPort::call_back_with(CallBack call_back) {
    std::lock_guard const lock(mutex_);
    call_back_ = std::move(call_back);
}

void BodyPort::call_back(std::function<void()> work) {
    std::lock_guard const lock(mutex_);
    if (call_back_) call_back_(std::move(work));  // without one the body has ended: nobody waits for the work
}

wire::Mailbag BodyPort::take() {
    std::lock_guard const lock(mutex_);
    return std::exchange(posted_, {});
}

void BodyPort::deliver(wire::ActorRecord const& record) {
    std::shared_ptr<detail::ActorAnswer> answer;
    {
        std::lock_guard const lock(mutex_);
        if (record.head.verb == wire::ActorVerb::credit) {
            window_.arrived(record.head);
            credit_came_.notify_all();
            return;
        }
        auto const found = pending_.find(record.head.call);
        if (found == pending_.end()) return;
        answer = std::move(found->second);
        pending_.erase(found);
    }
    give_answer(*answer, record);
}

}  // namespace plenum::pool
