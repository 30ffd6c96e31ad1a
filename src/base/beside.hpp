// Work that goes on beside the caller, where the system has a thread for it.
#pragma once

#include <future>
#include <system_error>

namespace plenum::base {

/// Runs `work` on a thread of its own; where none can be had (a limit of processes), in the caller's thread
/// when the result is asked for. The future's destructor waits for a thread.
template <class Work>
[[nodiscard]] auto beside(Work const& work) -> std::future<decltype(work())> {
    try {
        return std::async(std::launch::async, work);
    } catch (std::system_error const&) {
        return std::async(std::launch::deferred, work);
    }
}

}  // namespace plenum::base
