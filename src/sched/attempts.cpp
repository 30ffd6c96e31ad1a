#include "sched/attempts.hpp"

#include <algorithm>

namespace plenum::sched {
namespace {

/// The count for a cause; none for those that never run again by themselves.
std::uint32_t Retries::*field_of(FailureCause cause) noexcept {
    switch (cause) {
        case FailureCause::exception:
            return &Retries::exception;
        case FailureCause::crash:
            return &Retries::crash;
        case FailureCause::timeout:
            return &Retries::timeout;
        case FailureCause::out_of_memory:
            return &Retries::out_of_memory;
        case FailureCause::node_loss:
        case FailureCause::cancelled:
            break;
    }
    return nullptr;
}

}  // namespace

Attempts::Verdict Attempts::failed(std::uint64_t task, FailureCause cause, Retries const& retries,
                                   std::uint32_t crash_limit) {
    auto& [failed, attempts] = failed_[task];
    auto const field = field_of(cause);
    if (field != nullptr) ++(failed.*field);
    Verdict verdict{.attempt = ++attempts};
    verdict.again = field != nullptr && failed.*field <= retries.*field;
    verdict.quarantined = cause == FailureCause::crash && failed.crash >= crash_limit;
    if (verdict.quarantined) verdict.again = false;
    if (!verdict.again) failed_.erase(task);
    return verdict;
}

void Attempts::failed_earlier(std::uint64_t task, FailureCause cause, int attempt, bool counts) {
    auto& count = failed_[task];
    count.attempts = std::max(count.attempts, attempt);
    if (auto const field = field_of(cause); counts && field != nullptr) ++(count.failed.*field);
}

void Attempts::forget(std::uint64_t first, std::uint64_t last) {
    failed_.erase(failed_.lower_bound(first), failed_.lower_bound(last));
}

}  // namespace plenum::sched
