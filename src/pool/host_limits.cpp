// Rank 0's side of what limits a run: attempts of tasks that fail, failures, time.
#include <fmt/format.h>

#include <algorithm>
#include <plenum/error.hpp>

#include "base/clock.hpp"
#include "pool/host.hpp"

namespace plenum::pool {
namespace {

std::uint64_t as_ns(double seconds) {
    return static_cast<std::uint64_t>(seconds * 1e9);
}

/// Of the grace period; the rest is for storing what has come and for leaving.
std::uint64_t share_of_tasks(std::uint64_t grace_ns) {
    return grace_ns / 5 * 4;
}

}  // namespace

std::string describe(StopReason why) {
    switch (why) {
        case StopReason::signal:
            return "stopped by SIGUSR1";
        case StopReason::time:
            return "stopped at the end of its time";
        case StopReason::failures:
            return "stopped by too many failed tasks";
        case StopReason::none:
            break;
    }
    return "not stopped";
}

std::exception_ptr Host::stopped_error() const {
    return std::make_exception_ptr(StoppedError(
        fmt::format("tasks were left out (the run was {}); start it again", describe(progress_.stopped))));
}

std::vector<std::uint64_t> Host::take_retried(Batch& batch, wire::BlockResults& results) {
    std::vector<std::uint64_t> again;
    auto const& limits = options_.limits;
    auto retries = limits.retries;
    if (auto const own = batch.work->request.retries; own != 0)
        retries = {.exception = own, .crash = own, .timeout = own, .out_of_memory = own};
    std::erase_if(results.failures, [&](wire::Failure& failure) {
        auto const verdict = batch.attempts.failed(failure.task, failure.cause, retries, limits.crash_limit);
        failure.attempt = verdict.attempt;
        if (failure.cause == FailureCause::timeout) ++progress_.timed_out;
        // Of a batch that its user has cancelled nothing runs again; what a stopped run leaves does, later.
        if (verdict.again && (!batch.cancelled || batch.cut)) {
            ++progress_.retried;
            batch.work->sink->note_attempt(failure);
            again.push_back(failure.task);
            return true;
        }
        if (verdict.quarantined) {
            failure.quarantined = true;
            failure.message += fmt::format(" (quarantined after {} crashes)", limits.crash_limit);
            ++progress_.quarantined;
        }
        return false;
    });
    std::ranges::sort(again);
    return again;
}

void Host::give_up(Batch& batch, std::uint64_t tasks) {
    batch.final_tasks += tasks;
    if (!batch.cut) {
        progress_.tasks -= tasks;
        return;
    }
    batch.left += tasks;
    if (tasks > 0) progress_.cut_short = true;
}

void Host::cut(sched::BatchId id, Batch& batch, StopReason why) {
    if (batch.cancelled || id >= first_on_each) return;
    if (progress_.stopped == StopReason::none) progress_.stopped = why;
    batch.cut = true;
    cancel(id, batch);
}

void Host::stop(StopReason why) {
    std::lock_guard const lock(scheduling_);
    begin_stop(why);
}

void Host::begin_stop(StopReason why) {
    if (why != StopReason::failures && leave_ns_ == UINT64_MAX) {
        auto const now = base::now_ns();
        auto const grace = as_ns(options_.limits.grace);
        auto const end = options_.limits.end_ns;
        leave_ns_ = end == 0 ? now + grace : std::min(now + grace, end);
        abandon_ns_ = leave_ns_ - std::min(leave_ns_, grace - share_of_tasks(grace));
    }
    stopping_ = true;
    if (progress_.stopped == StopReason::none) progress_.stopped = why;
    for (auto& [id, batch] : batches_) cut(id, batch, why);
}

void Host::check_failures() {
    if (!stopping_ && options_.limits.max_failures.exceeded(progress_.failed, progress_.tasks))
        begin_stop(StopReason::failures);
}

void Host::watch_time() {
    auto const end = options_.limits.end_ns;
    auto const now = base::now_ns();
    if (end != 0 && leave_ns_ == UINT64_MAX) {
        if (now + as_ns(options_.limits.grace) >= end) begin_stop(StopReason::time);
        auto const last_end = last_end_of_tasks();
        for (auto& [id, batch] : batches_) {
            auto seconds = batch.long_task_seconds.empty() ? options_.limits.time_request : 0.0;
            for (auto const& [node, measured] : batch.long_task_seconds)
                seconds = std::max(seconds, measured);
            if (now + as_ns(seconds) > last_end) cut(id, batch, StopReason::time);
        }
    }
    if (abandoned_ || now < abandon_ns_ || active_ == 0) return;
    abandoned_ = true;
    for (int const leader : topology_.leaders) send_(leader, wire::Abandon{});
}

std::uint64_t Host::last_end_of_tasks() const {
    auto const grace = as_ns(options_.limits.grace);
    auto const end = options_.limits.end_ns;
    return end - std::min(end, grace - share_of_tasks(grace));
}

std::uint64_t Host::ns_left_for_tasks() const {
    if (options_.limits.end_ns == 0) return 0;
    auto const now = base::now_ns(), last_end = last_end_of_tasks();
    return last_end > now ? last_end - now : 1;
}

std::optional<double> Host::seconds_left() const {
    auto const end = options_.limits.end_ns;
    if (end == 0) return std::nullopt;
    auto const now = base::now_ns();
    return now < end ? static_cast<double>(end - now) * 1e-9 : 0.0;
}

bool Host::overdue() const {
    return active_ > 0 && base::now_ns() >= leave_ns_;
}

}  // namespace plenum::pool
