// Written bytes begin their way to the disk before anybody waits for them.
#pragma once

#include <fcntl.h>

#include <cstdint>

namespace plenum::io {

/// Asks the kernel now and then to start writing what lies in its page cache, so that the next sync finds
/// little to do. Only a hint: an error shows again in the sync.
class EarlyWriteout {
public:
    void wrote(int file, std::uint64_t bytes) noexcept {
        not_started_ += bytes;
        if (not_started_ < enough) return;
        (void)::sync_file_range(file, 0, 0, SYNC_FILE_RANGE_WRITE);
        not_started_ = 0;
    }

private:
    static constexpr std::uint64_t enough = std::uint64_t{8} << 20;

    std::uint64_t not_started_ = 0;
};

}  // namespace plenum::io
