// Anonymous memory shared with the processes forked later: node memory where a node has one rank.
#pragma once

#include <cstddef>

namespace plenum::comm {

class SharedMapping {
public:
    SharedMapping() noexcept = default;
    /// Throws EnvironmentError when the address space has no room.
    explicit SharedMapping(std::size_t bytes);
    SharedMapping(SharedMapping const&) = delete;
    SharedMapping& operator=(SharedMapping const&) = delete;
    SharedMapping(SharedMapping&& other) noexcept;
    SharedMapping& operator=(SharedMapping&& other) noexcept;
    ~SharedMapping();

    [[nodiscard]] std::byte* base() const noexcept { return base_; }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

private:
    std::byte* base_ = nullptr;
    std::size_t bytes_ = 0;
};

}  // namespace plenum::comm
