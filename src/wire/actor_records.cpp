#include "wire/actor_records.hpp"

#include <cstring>
#include <plenum/detail/actor_call.hpp>
#include <utility>

namespace plenum::wire {
namespace {

constexpr std::size_t large_record = 16 << 10;  // copying less costs no more than a piece of its own
constexpr std::size_t piece_bytes = 64 << 10;

}  // namespace

ActorRecord ActorRecord::of(ActorHead head, Bytes request) {
    head.bytes = request.size();
    std::memcpy(request.data(), &head, sizeof head);
    return {.head = head, .whole = Payload::of(std::move(request))};
}

ActorRecord actor_result(ActorHead const& head, Bytes result) {
    auto answer = head;
    answer.verb = ActorVerb::result;
    return ActorRecord::of(answer, std::move(result));
}

ActorRecord actor_failure(ActorHead const& head, ActorError::Data const& error) {
    auto answer = head;
    answer.verb = ActorVerb::failure;
    Bytes content(sizeof head);
    encode(error, content);
    return ActorRecord::of(answer, std::move(content));
}

ActorError::Data failure_of(ActorRecord const& record) {
    return decode<ActorError::Data>(record.content());
}

std::string type_of(ActorRecord const& create) {
    auto content = create.content();
    return detail::take_argument<std::string>(content);
}

std::uint64_t record_bytes(ByteView bytes) {
    if (bytes.size() < sizeof(ActorHead)) return 0;
    return decode<ActorHead>(bytes).bytes;
}

ActorRecord first_record(Payload const& mail) {
    auto const head = decode<ActorHead>(mail.bytes);
    return {.head = head, .whole = {mail.owner, mail.bytes.first(head.bytes)}};
}

void for_each_record(Payload const& mail, std::function<void(ActorRecord)> const& use) {
    auto rest = mail;
    while (!rest.bytes.empty()) {
        auto record = first_record(rest);
        rest.bytes = rest.bytes.subspan(record.head.bytes);
        use(std::move(record));
    }
}

void Mailbag::add(Payload const& record) {
    bytes_ += record.bytes.size();
    if (record.bytes.size() >= large_record) {
        close();
        closed_.push_back(record);
        return;
    }
    if (!open_) open_ = std::make_shared<Bytes>();
    open_->insert(open_->end(), record.bytes.begin(), record.bytes.end());
    if (open_->size() >= piece_bytes) close();
}

Payload Mailbag::take() {
    if (closed_.empty()) close();
    auto piece = std::move(closed_.front());
    closed_.pop_front();
    bytes_ -= piece.bytes.size();
    return piece;
}

void Mailbag::close() {
    if (!open_) return;
    ByteView const view(*open_);
    closed_.push_back({std::move(open_), view});
    open_.reset();
}

}  // namespace plenum::wire
