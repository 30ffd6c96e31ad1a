// How executors compress a result.
#pragma once

#include <cstdint>

namespace plenum::detail {

/// Of results of one fixed size. A result is cut into rows, and each row into chunks, of which the last may be shorter.
struct Packing {
    std::int32_t level = 0;           ///< of gzip, 1 to 9; 0: results stay as they are
    std::uint32_t element_bytes = 0;
    std::uint64_t result_bytes = 0, row_bytes = 0, chunk_bytes = 0;

    template <class Archive>
    void serialize(Archive& archive) {
        archive(level, element_bytes, result_bytes, row_bytes, chunk_bytes);
    }
};

}  // namespace plenum::detail
