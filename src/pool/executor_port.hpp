// The way from a task to the actors: through a socket to the process of its rank.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <plenum/detail/actor_port.hpp>
#include <unordered_map>

#include "pool/call_window.hpp"
#include "pool/record_socket.hpp"

namespace plenum::pool {

class ExecutorPort : public detail::ActorPort {
public:
    /// `channel`: the number under which the rank's process knows the socket's other end.
    ExecutorPort(base::UniqueFd socket, int rank, std::int32_t channel)
        : rank_(rank), channel_(channel), socket_(std::move(socket)) {}

    detail::ActorAddress create(detail::ActorPlacement const& placement, std::uint64_t constructor,
                                Bytes request, std::shared_ptr<detail::ActorAnswer> answer) override;
    void call(detail::ActorAddress to, std::uint64_t method, Bytes request,
              std::shared_ptr<detail::ActorAnswer> answer) override;
    void end(detail::ActorAddress) noexcept override {}
    bool wait(detail::ActorAnswer const& answer, detail::Deadline deadline) override;

    /// Waits until what was told has arrived at the actors' hosts: so a call that is made after the end of a
    /// task comes after the task's own. Costs a nanosecond when nothing was told since the last time.
    void settle() {
        if (told_.load(std::memory_order_acquire)) settle_told();
    }

private:
    /// Sends and receives until `done`, which is asked after each step; false when `deadline` comes first.
    template <class Done>
    bool exchange_until(detail::Deadline deadline, Done&& done);
    void on_record(wire::ActorRecord const& record);
    void settle_told();

    int rank_;
    std::int32_t channel_;
    std::atomic<bool> told_{false};  // there may be calls that have not arrived
    std::mutex mutex_;               // a task may have threads
    RecordSocket socket_;
    CallWindow window_;
    std::unordered_map<std::uint64_t, std::shared_ptr<detail::ActorAnswer>> pending_;
    std::uint64_t calls_ = 0;
};

}  // namespace plenum::pool
