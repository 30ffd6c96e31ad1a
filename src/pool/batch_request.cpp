#include <fmt/format.h>

#include <plenum/detail/batch_request.hpp>

namespace plenum::detail {

std::uint64_t bytes_for(std::uint64_t rows, std::uint64_t columns, std::uint64_t element) {
    std::uint64_t bytes = 0;
    if (__builtin_mul_overflow(rows, columns, &bytes) || __builtin_mul_overflow(bytes, element, &bytes) ||
        bytes > (std::uint64_t{1} << 62))
        throw UsageError(fmt::format("{} x {} elements of {} bytes are too many; check the extents", rows,
                                     columns, element));
    return bytes;
}

void require_size(std::uint64_t got, std::uint64_t expected) {
    if (got != expected)
        throw UsageError(
            fmt::format("the data has {} elements, its declared shape {}; make them equal", got, expected));
}

}  // namespace plenum::detail
