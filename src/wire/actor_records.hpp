// Calls of actors and their answers as they travel: records of a head and content, many of them in one piece
// of mail.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <plenum/detail/actor_port.hpp>

#include "wire/messages.hpp"

namespace plenum::wire {

enum class ActorVerb : std::uint32_t {
    create,   ///< to the actor's rank; content: the type's name, arguments of the constructor
    call,     ///< content: arguments of the method
    end,      ///< destroy the object
    result,   ///< to the caller; content: what the method returned
    failure,  ///< to the caller; content: ActorError::Data
    credit,   ///< to the caller: that many bytes of its calls have reached the actor host
};

/// Channels of a rank: where calls come from and answers go to. Those of executors are numbered from 1.
inline constexpr std::int32_t body_channel = 0;  ///< the body, on rank 0
inline constexpr std::int32_t no_channel = -1;   ///< actors: they get neither answers nor credit

/// In front of each record. Plain bytes, perhaps not aligned: copy it.
struct ActorHead {
    std::uint64_t bytes = 0;  ///< of the whole record
    ActorVerb verb = ActorVerb::call;
    std::int32_t rank = 0;  ///< where the actor lives
    std::int32_t caller_rank = 0;
    std::int32_t caller_channel = body_channel;
    std::uint64_t actor = 0;
    std::uint64_t function = 0;  ///< registered id of the constructor or method
    std::uint64_t call = 0;      ///< number of the call, by its caller; 0: no answer is wanted
    std::uint64_t amount = 0;    ///< create: restarts; credit: bytes
    std::uint64_t reserved = 0;
};
static_assert(sizeof(ActorHead) == detail::actor_room);

[[nodiscard]] constexpr bool goes_to_actor(ActorVerb verb) noexcept {
    return verb == ActorVerb::create || verb == ActorVerb::call || verb == ActorVerb::end;
}

struct ActorRecord {
    ActorHead head;
    Payload whole;  ///< head and content

    [[nodiscard]] ByteView content() const noexcept { return whole.bytes.subspan(sizeof head); }
    /// `request` has room for the head in front; the head's `bytes` is filled in.
    [[nodiscard]] static ActorRecord of(ActorHead head, Bytes request = Bytes(sizeof(ActorHead)));
};

/// The answer to the call `head`: `result` has room in front.
[[nodiscard]] ActorRecord actor_result(ActorHead const& head, Bytes result);
[[nodiscard]] ActorRecord actor_failure(ActorHead const& head, ActorError::Data const& error);
[[nodiscard]] ActorError::Data failure_of(ActorRecord const& record);
/// The first argument of a create record.
[[nodiscard]] std::string type_of(ActorRecord const& create);

/// Bytes of the record that `bytes` begins with; 0 while its head is not there yet.
[[nodiscard]] std::uint64_t record_bytes(ByteView bytes);
/// The record that `mail` begins with, which must be whole.
[[nodiscard]] ActorRecord first_record(Payload const& mail);
void for_each_record(Payload const& mail, std::function<void(ActorRecord)> const& use);

/// Records that wait to be sent together. Small ones are copied next to each other, large ones stay where
/// they are.
class Mailbag {
public:
    void add(Payload const& record);
    [[nodiscard]] bool empty() const noexcept { return closed_.empty() && !open_; }
    /// The oldest piece; whole records. Not when it is empty.
    [[nodiscard]] Payload take();
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

private:
    void close();

    std::deque<Payload> closed_;
    std::shared_ptr<Bytes> open_;
    std::uint64_t bytes_ = 0;
};

}  // namespace plenum::wire
