#include "wire/messages.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace plenum::wire {
namespace {

template <class M>
concept HasPayload = requires(M message) {
    message.payload;
};

template <class M>
Message read(Frame& frame) {
    detail::ViewBuffer buffer(frame.header);
    std::istream stream(&buffer);
    cereal::BinaryInputArchive archive(stream);
    M message;
    archive(message);
    if constexpr (HasPayload<M>) message.payload = std::move(frame.payload);
    return message;
}

template <std::size_t... i>
constexpr auto make_readers(std::index_sequence<i...>) {
    return std::array{&read<std::variant_alternative_t<i, Message>>...};
}

constexpr auto readers = make_readers(std::make_index_sequence<std::variant_size_v<Message>>{});

}  // namespace

Payload Payload::of(Bytes bytes) {
    auto owner = std::make_shared<Bytes const>(std::move(bytes));
    ByteView const view(*owner);
    return {std::move(owner), view};
}

Frame to_frame(Message message) {
    Frame frame;
    frame.kind = static_cast<std::uint32_t>(message.index());
    std::visit(
        [&]<class M>(M& content) {
            if constexpr (HasPayload<M>) frame.payload = std::move(content.payload);
            detail::AppendBuffer buffer(frame.header);
            std::ostream stream(&buffer);
            cereal::BinaryOutputArchive archive(stream);
            archive(content);
        },
        message);
    return frame;
}

Message from_frame(Frame frame) {
    if (frame.kind >= readers.size())
        throw EnvironmentError(
            fmt::format("received a message of unknown kind {}; all ranks must run the same "
                        "plenum",
                        frame.kind));
    return readers[frame.kind](frame);
}

}  // namespace plenum::wire
