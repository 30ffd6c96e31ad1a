#include "comm/shared_mapping.hpp"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <plenum/error.hpp>
#include <type_traits>
#include <utility>

#include "base/units.hpp"

namespace plenum::comm {

static_assert(!std::is_copy_constructible_v<SharedMapping> &&
              std::is_nothrow_move_constructible_v<SharedMapping>);

SharedMapping::SharedMapping(std::size_t bytes) : bytes_(bytes) {
    auto* const memory =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        throw EnvironmentError(
            fmt::format("cannot reserve {} of node memory ({}); ask for less with --node-memory",
                        base::format_bytes(bytes), std::strerror(errno)));
    base_ = static_cast<std::byte*>(memory);
}

SharedMapping::SharedMapping(SharedMapping&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

SharedMapping& SharedMapping::operator=(SharedMapping&& other) noexcept {
    std::swap(base_, other.base_);
    std::swap(bytes_, other.bytes_);
    return *this;
}

SharedMapping::~SharedMapping() {
    if (base_ != nullptr) ::munmap(base_, bytes_);
}

}  // namespace plenum::comm
