#include "pool/executor_port.hpp"

#include <poll.h>

#include <algorithm>
#include <plenum/error.hpp>
#include <utility>

#include "pool/body_port.hpp"

namespace plenum::pool {

using Clock = std::chrono::steady_clock;

template <class Done>
bool ExecutorPort::exchange_until(detail::Deadline deadline, Done&& done) {
    for (;;) {
        if (!socket_.flush() ||
            !socket_.receive([this](wire::ActorRecord const& record) { on_record(record); }))
            throw EnvironmentError("the run ends; no actor can be called any more");
        if (done()) return true;
        int timeout = -1;
        if (deadline) {
            auto const left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now()).count();
            if (left <= 0) return false;
            timeout = static_cast<int>(std::min<std::int64_t>(left, 1'000'000));
        }
        pollfd fd{.fd = socket_.fd(), .events = socket_.events(), .revents = 0};
        ::poll(&fd, 1, timeout);
    }
}

detail::ActorAddress ExecutorPort::create(detail::ActorPlacement const&, std::uint64_t, Bytes,
                                          std::shared_ptr<detail::ActorAnswer>) {
    throw UsageError("a task cannot make actors; make them in the body of the program");
}

void ExecutorPort::call(detail::ActorAddress to, std::uint64_t method, Bytes request,
                        std::shared_ptr<detail::ActorAnswer> answer) {
    if (to.actor == 0) throw UsageError("this reference names no actor; take one from Actor::ref()");
    std::lock_guard const lock(mutex_);
    auto const bytes = request.size();
    if (!window_.has_room(to.rank, bytes))
        (void)exchange_until(std::nullopt, [&] { return window_.has_room(to.rank, bytes); });
    wire::ActorHead head{.rank = to.rank,
                         .caller_rank = rank_,
                         .caller_channel = channel_,
                         .actor = to.actor,
                         .function = method};
    if (answer) {
        head.call = ++calls_;
        pending_.emplace(head.call, std::move(answer));
    }
    told_.store(true, std::memory_order_release);
    window_.sent(to.rank, bytes);
    socket_.push(wire::ActorRecord::of(head, std::move(request)).whole);
    (void)exchange_until(std::nullopt, [&] { return !socket_.has_unsent(); });
}

bool ExecutorPort::wait(detail::ActorAnswer const& answer, detail::Deadline deadline) {
    std::lock_guard const lock(mutex_);
    return answer.phase() != detail::FutureState::Phase::pending ||
           exchange_until(deadline, [&] { return answer.phase() != detail::FutureState::Phase::pending; });
}

void ExecutorPort::settle_told() {
    std::lock_guard const lock(mutex_);
    if (!window_.empty()) (void)exchange_until(std::nullopt, [&] { return window_.empty(); });
    told_.store(false, std::memory_order_relaxed);
}

void ExecutorPort::on_record(wire::ActorRecord const& record) {
    if (record.head.verb == wire::ActorVerb::credit) return window_.arrived(record.head);
    auto const found = pending_.find(record.head.call);
    if (found == pending_.end()) return;
    give_answer(*found->second, record);
    pending_.erase(found);
}

}  // namespace plenum::pool
