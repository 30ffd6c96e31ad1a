// What the templates of actors ask of the process that they are used in: rank 0, a task, or an actor.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <plenum/codec.hpp>
#include <plenum/detail/future_state.hpp>
#include <plenum/error.hpp>

namespace plenum::detail {

/// The object of an actor, in its host.
struct ActorSlot {
    void* object = nullptr;
    void (*destroy)(void*) = nullptr;
};

/// What a registered function of an actor gets: a constructor fills the slot, a method uses it. `result` has the
/// engine's room in front.
struct ActorInvocation {
    ActorSlot& slot;
    ByteView arguments;
    Bytes& result;
};
using ActorFunction = void (*)(ActorInvocation&);

/// Free bytes in front of every request and result, for the engine's head: so the content is encoded in place.
inline constexpr std::size_t actor_room = 64;

struct ActorAddress {
    std::uint64_t actor = 0;
    std::int32_t rank = 0;
};

/// The result of a call to an actor. In a task, waiting is what receives it: so a task can wait for one at a time, and
/// has no callbacks.
class ActorAnswer : public FutureState {
public:
    bool wait(Deadline deadline) const override;
    void then(std::function<void()> next) override;
    void watch(std::shared_ptr<Watch> const& by, std::size_t number) override;
    void call_back(std::function<void()> work) override;
    [[nodiscard]] std::shared_ptr<FutureState> follow_up() const override;
    /// Waits until another thread has received it.
    bool wait_for_others(Deadline deadline) const { return FutureState::wait(deadline); }
};

/// Where an actor is to live, and how often it may be made again.
struct ActorPlacement {
    std::optional<int> rank;
    int restarts = 0;
};

/// The way of a process to the actors.
class ActorPort {
public:
    ActorPort() = default;
    ActorPort(ActorPort const&) = delete;
    ActorPort& operator=(ActorPort const&) = delete;
    virtual ~ActorPort() = default;

    /// `request`: room, then arguments. Throws UsageError when there is no such rank, or outside of rank 0's body.
    [[nodiscard]] virtual ActorAddress create(ActorPlacement const& placement, std::uint64_t constructor,
                                              Bytes request, std::shared_ptr<ActorAnswer> answer) = 0;
    /// Without `answer` none is sent. Blocks while too much is on its way to the actor's rank. Throws UsageError
    /// when an answer is wanted in an actor.
    virtual void call(ActorAddress to, std::uint64_t method, Bytes request,
                      std::shared_ptr<ActorAnswer> answer) = 0;
    virtual void end(ActorAddress actor) noexcept = 0;
    /// False when the answer has not come in time.
    [[nodiscard]] virtual bool wait(ActorAnswer const& answer, Deadline deadline) = 0;
    /// Answers are received without waiting for them: only on rank 0.
    [[nodiscard]] virtual bool receives_by_itself() const noexcept { return false; }
    /// Runs `work` where callbacks run.
    virtual void call_back(std::function<void()> work) { work(); }
};

/// The port of this thread. Throws UsageError where there is none.
[[nodiscard]] ActorPort& actor_port();
/// The same, null where there is none.
[[nodiscard]] ActorPort* find_actor_port() noexcept;

}  // namespace plenum::detail
