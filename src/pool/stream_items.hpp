// The items of a stream: added at the end, handed out with blocks, forgotten when their tasks are final.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "wire/messages.hpp"

namespace plenum::pool {

class StreamItems {
public:
    /// `stride`: bytes of an item; 0: they vary, or there are none.
    explicit StreamItems(std::uint64_t stride = 0) : stride_(stride) {}

    /// Items of the next `count` tasks. `ends`: where each item ends in `bytes`, when they vary. Takes them
    /// over.
    void append(std::uint64_t count, Bytes bytes, std::vector<std::uint64_t> ends);
    /// As AssignBlock carries them: offsets first when they vary. No copy when one append holds all of them.
    [[nodiscard]] wire::Payload payload(wire::TaskRange tasks) const;
    /// The tasks are final.
    void forget(wire::TaskRange tasks);
    /// Bytes of the largest item so far, when they vary.
    [[nodiscard]] std::uint64_t largest() const noexcept { return largest_; }

private:
    struct Piece {
        std::uint64_t count = 0;
        std::uint64_t left = 0;  // tasks that are not final
        std::shared_ptr<Bytes const> bytes;
        std::vector<std::uint64_t> ends;
    };
    [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> extent(Piece const& piece, std::uint64_t i) const;

    std::uint64_t stride_;
    std::uint64_t next_ = 0;
    std::uint64_t largest_ = 0;
    std::map<std::uint64_t, Piece> pieces_;  // by first task
};

}  // namespace plenum::pool
