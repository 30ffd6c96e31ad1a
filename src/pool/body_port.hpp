// The way to the actors for the body of the program, on rank 0.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <plenum/detail/actor_port.hpp>
#include <string>
#include <unordered_map>
#include <vector>

#include "pool/call_window.hpp"
#include "wire/actor_records.hpp"

namespace plenum::pool {

/// Hands a result or failure to whoever waits for it.
void give_answer(detail::ActorAnswer& answer, wire::ActorRecord const& record);

class BodyPort : public detail::ActorPort {
public:
    using CallBack = std::function<void(std::function<void()> work)>;
    /// `ring` wakes the main thread.
    BodyPort(int ranks, std::function<void()> ring);

    // ---- any thread ----
    detail::ActorAddress create(detail::ActorPlacement const& placement, std::uint64_t constructor,
                                Bytes request, std::shared_ptr<detail::ActorAnswer> answer) override;
    void call(detail::ActorAddress to, std::uint64_t method, Bytes request,
              std::shared_ptr<detail::ActorAnswer> answer) override;
    void end(detail::ActorAddress actor) noexcept override;
    bool wait(detail::ActorAnswer const& answer, detail::Deadline deadline) override;

    bool receives_by_itself() const noexcept override { return true; }
    void call_back(std::function<void()> work) override;
    /// Where callbacks run from now on; empty: nowhere. What it is given must not wait for this port.
    void call_back_with(CallBack call_back);

    // ---- the main thread ----
    /// What was asked for since the last time.
    [[nodiscard]] wire::Mailbag take();
    /// An answer or credit has arrived.
    void deliver(wire::ActorRecord const& record);

private:
    void post(wire::ActorHead head, Bytes request, std::shared_ptr<detail::ActorAnswer> answer);

    std::function<void()> ring_;
    std::mutex mutex_;  // guards all that follows
    std::condition_variable credit_came_;
    wire::Mailbag posted_;
    CallWindow window_;
    std::unordered_map<std::uint64_t, std::shared_ptr<detail::ActorAnswer>> pending_;
    CallBack call_back_;
    std::uint64_t calls_ = 0;
    std::uint64_t actors_made_ = 0;
    std::vector<int> actors_of_rank_;
};

}  // namespace plenum::pool
